// SPDX-License-Identifier: Apache-2.0

// Queue_group: several workers share the messages of a subject.
//
// Run: go run ./queue_group [nats://127.0.0.1:4222] (or set NATS_URL)
//
// Each job goes to exactly one of the workers that named the same queue group. Exits 0 if every
// job was done once and every worker had some.
package main

import (
	"fmt"
	"log"
	"os"
	"strconv"
	"time"

	"github.com/nats-io/nats.go"
)

const (
	jobs    = 300
	workers = 3
)

type result struct{ worker, job int }

func url() string {
	if len(os.Args) > 1 {
		return os.Args[1]
	}
	if env := os.Getenv("NATS_URL"); env != "" {
		return env
	}
	return nats.DefaultURL
}

func check(err error) {
	if err != nil {
		log.Fatal(err)
	}
}

// startWorker returns when the server knows the worker's subscription.
func startWorker(id int, done chan<- result) *nats.Conn {
	nc, err := nats.Connect(url(), nats.Name(fmt.Sprintf("worker-%d", id)))
	check(err)
	_, err = nc.QueueSubscribe("jobs.process", "workers", func(msg *nats.Msg) {
		job, err := strconv.Atoi(string(msg.Data))
		check(err)
		done <- result{id, job}
	})
	check(err)
	check(nc.Flush())
	return nc
}

func main() {
	done := make(chan result, 2*jobs)
	for id := range workers {
		nc := startWorker(id, done)
		defer nc.Close()
	}

	publisher, err := nats.Connect(url(), nats.Name("job-publisher"))
	check(err)
	defer publisher.Close()
	for job := range jobs {
		check(publisher.Publish("jobs.process", []byte(strconv.Itoa(job))))
	}
	check(publisher.Flush())

	times := make([]int, jobs)
	share := make([]int, workers)
	deadline := time.After(10 * time.Second)
	for n := range jobs {
		select {
		case r := <-done:
			times[r.job]++
			share[r.worker]++
		case <-deadline:
			log.Fatalf("only %d of %d jobs were done", n, jobs)
		}
	}
	for job, n := range times {
		if n != 1 {
			log.Fatalf("job %d was done %d times", job, n)
		}
	}
	fmt.Printf("jobs per worker: %v\n", share)
	for id, n := range share {
		if n == 0 {
			log.Fatalf("worker %d had nothing to do", id)
		}
	}
	fmt.Println("queue_group: ok")
}
