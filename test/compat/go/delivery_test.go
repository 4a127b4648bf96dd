// SPDX-License-Identifier: Apache-2.0

package compat

import (
	"bytes"
	"crypto/rand"
	"errors"
	"strconv"
	"testing"
	"time"

	"github.com/nats-io/nats.go"
)

// Two publishers of 10,000 messages each: every subscriber sees each publisher's in order.
func TestOrder(t *testing.T) {
	const count = 10_000
	finished := make(chan error, 4)
	for range cap(finished) {
		nc := connect(t)
		next := map[string]int{}
		seen := 0
		_, err := nc.Subscribe("order.*", func(m *nats.Msg) {
			n, _ := strconv.Atoi(string(m.Data))
			if n != next[m.Subject] {
				finished <- errors.New(m.Subject + ": out of order at " + string(m.Data))
			}
			next[m.Subject] = n + 1
			if seen++; seen == 2*count {
				finished <- nil
			}
		})
		check(t, err)
		check(t, nc.Flush())
	}
	for _, name := range []string{"a", "b"} {
		nc := connect(t)
		go func() {
			for i := range count {
				_ = nc.Publish("order."+name, []byte(strconv.Itoa(i)))
			}
			_ = nc.Flush()
		}()
	}
	for range cap(finished) {
		check(t, wait(t, "all messages", finished))
	}
}

// Headers travel unchanged, several values of a key too.
func TestHeaders(t *testing.T) {
	nc := connect(t)
	sub, err := nc.SubscribeSync("headers")
	check(t, err)
	for _, payload := range []string{"", "payload"} {
		msg := nats.NewMsg("headers")
		msg.Data = []byte(payload)
		msg.Header.Add("Key", "one")
		msg.Header.Add("Key", "two: with a colon")
		msg.Header.Set("lower-case", "kept")
		check(t, nc.PublishMsg(msg))
		got, err := sub.NextMsg(patience)
		check(t, err)
		values := got.Header.Values("Key")
		if string(got.Data) != payload || len(values) != 2 || values[1] != "two: with a colon" ||
			got.Header["lower-case"][0] != "kept" {
			t.Fatalf("got %q with %v", got.Data, got.Header)
		}
	}
}

// A message of max_payload arrives whole, headers counted; the client refuses a larger one.
func TestMaxPayload(t *testing.T) {
	nc := connect(t)
	sub, err := nc.SubscribeSync("limit")
	check(t, err)
	data := make([]byte, nc.MaxPayload())
	_, err = rand.Read(data)
	check(t, err)
	check(t, nc.Publish("limit", data))
	got, err := sub.NextMsg(patience)
	check(t, err)
	if !bytes.Equal(got.Data, data) {
		t.Fatal("another payload")
	}

	// "NATS/1.0\r\nK: v\r\n\r\n" takes 18 bytes of the limit.
	msg := &nats.Msg{Subject: "limit", Header: nats.Header{"K": {"v"}}, Data: data[18:]}
	check(t, nc.PublishMsg(msg))
	got, err = sub.NextMsg(patience)
	check(t, err)
	if !bytes.Equal(got.Data, data[18:]) || got.Header.Get("K") != "v" {
		t.Fatal("another payload")
	}
	if err = nc.Publish("limit", append(data, 0)); !errors.Is(err, nats.ErrMaxPayload) {
		t.Fatalf("expected a refusal, got %v", err)
	}
}

// After its maximum a subscription gets nothing more, and the server has forgotten it.
func TestAutoUnsubscribe(t *testing.T) {
	nc := connect(t)
	sub, err := nc.SubscribeSync("max.test")
	check(t, err)
	check(t, sub.AutoUnsubscribe(3))
	for range 10 {
		check(t, nc.Publish("max.test", nil))
	}
	check(t, nc.Flush())
	for range 3 {
		_, err = sub.NextMsg(patience)
		check(t, err)
	}
	if _, err = sub.NextMsg(time.Second); !errors.Is(err, nats.ErrMaxMessages) &&
		!errors.Is(err, nats.ErrBadSubscription) {
		t.Fatalf("expected the end, got %v", err)
	}
	if _, err = nc.Request("max.test", nil, patience); !errors.Is(err, nats.ErrNoResponders) {
		t.Fatalf("the server still knows the subscription: %v", err)
	}
}
