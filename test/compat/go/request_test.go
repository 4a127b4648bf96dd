// SPDX-License-Identifier: Apache-2.0

package compat

import (
	"errors"
	"testing"
	"time"

	"github.com/nats-io/nats.go"
)

// A request without a service fails at once; with the old style of requests as well.
func TestNoResponders(t *testing.T) {
	for _, options := range [][]nats.Option{{}, {nats.UseOldRequestStyle()}} {
		nc := connect(t, options...)
		begin := time.Now()
		_, err := nc.Request("nobody.there", nil, time.Minute)
		if !errors.Is(err, nats.ErrNoResponders) {
			t.Fatalf("expected no responders, got %v", err)
		}
		if time.Since(begin) > patience {
			t.Fatal("not at once")
		}
	}
}

// Several connections ask one service at a time; each reply finds its request.
func TestManyRequests(t *testing.T) {
	service := connect(t)
	_, err := service.QueueSubscribe("double", "q", func(m *nats.Msg) {
		_ = m.Respond(append(m.Data, m.Data...))
	})
	check(t, err)
	check(t, service.Flush())
	failed := make(chan error, 8)
	for c := range cap(failed) {
		nc := connect(t)
		go func() {
			for i := range 500 {
				want := []byte{byte(c), byte(i)}
				msg, err := nc.Request("double", want, patience)
				if err == nil && string(msg.Data) != string(want)+string(want) {
					err = errors.New("another request's reply")
				}
				if err != nil {
					failed <- err
					return
				}
			}
			failed <- nil
		}()
	}
	for range cap(failed) {
		check(t, wait(t, "requests", failed))
	}
}
