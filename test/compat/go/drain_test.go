// SPDX-License-Identifier: Apache-2.0

package compat

import (
	"strconv"
	"testing"
	"time"

	"github.com/nats-io/nats.go"
)

// Members of a queue group that drain under load lose nothing of what they were given.
func TestQueueDrain(t *testing.T) {
	const count = 100_000
	done := make(chan int, count)
	closed := make(chan bool, 2)
	members := []*nats.Conn{}
	for range 3 {
		nc := connect(t, nats.ClosedHandler(func(*nats.Conn) { closed <- true }))
		_, err := nc.QueueSubscribe("work", "group", func(m *nats.Msg) {
			n, _ := strconv.Atoi(string(m.Data))
			done <- n
		})
		check(t, err)
		check(t, nc.Flush())
		members = append(members, nc)
	}
	publisher := connect(t)
	for i := range count {
		check(t, publisher.Publish("work", []byte(strconv.Itoa(i))))
		if i == count/4 || i == count/2 {
			check(t, members[i/(count/2)].Drain())
		}
	}
	check(t, publisher.Flush())
	wait(t, "first drain", closed)
	wait(t, "second drain", closed)

	times := make([]int, count)
	deadline := time.After(30 * time.Second)
	for n := range count {
		select {
		case job := <-done:
			times[job]++
		case <-deadline:
			t.Fatalf("lost %d of %d", count-n, count)
		}
	}
	for job, n := range times {
		if n != 1 {
			t.Fatalf("%d was delivered %d times", job, n)
		}
	}
}
