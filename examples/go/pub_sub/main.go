// SPDX-License-Identifier: Apache-2.0

// Pub_sub: every subscriber of a subject gets every message.
//
// Run: go run ./pub_sub [nats://127.0.0.1:4222] (or set NATS_URL)
//
// One service announces orders; two subscriptions listen, one to a single subject, one to all
// subjects below "orders". Exits 0 if both saw what they should, else 1.
//
// Corrected against the snippet this grew from: it ignored every error, and slept for a second
// in the hope that the message had arrived; here a channel tells.
package main

import (
	"encoding/json"
	"fmt"
	"log"
	"os"
	"slices"
	"time"

	"github.com/nats-io/nats.go"
)

type order struct {
	ID     int     `json:"id"`
	Total  float64 `json:"total"`
	Status string  `json:"status"`
}

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

func main() {
	subscriber, err := nats.Connect(url(), nats.Name("pub-sub-subscriber"))
	check(err)
	defer subscriber.Close()
	publisher, err := nats.Connect(url(), nats.Name("pub-sub-publisher"))
	check(err)
	defer publisher.Close()

	created := make(chan int, 16)
	_, err = subscriber.Subscribe("orders.created", func(msg *nats.Msg) {
		var o order
		check(json.Unmarshal(msg.Data, &o))
		fmt.Printf("on %s: order %d\n", msg.Subject, o.ID)
		created <- o.ID
	})
	check(err)
	// "*" stands for one token, ">" for one or more at the end.
	everything := make(chan string, 16)
	_, err = subscriber.Subscribe("orders.>", func(msg *nats.Msg) { everything <- msg.Subject })
	check(err)
	// Flush returns when the server has answered a PING, so it has seen both subscriptions.
	check(subscriber.Flush())

	want := []string{}
	for id := 1; id <= 3; id++ {
		data, err := json.Marshal(order{ID: id, Total: 99.99, Status: "created"})
		check(err)
		check(publisher.Publish("orders.created", data))
		want = append(want, "orders.created")
	}
	check(publisher.Publish("orders.created.eu", []byte("{}")))
	want = append(want, "orders.created.eu")
	check(publisher.Flush())

	deadline := time.After(10 * time.Second)
	ids, subjects := []int{}, []string{}
	for len(ids) < 3 || len(subjects) < len(want) {
		select {
		case id := <-created:
			ids = append(ids, id)
		case subject := <-everything:
			subjects = append(subjects, subject)
		case <-deadline:
			log.Fatalf("got only %v and %v", ids, subjects)
		}
	}
	if !slices.Equal(ids, []int{1, 2, 3}) || !slices.Equal(subjects, want) {
		log.Fatalf("wrong messages: %v and %v", ids, subjects)
	}
	fmt.Println("pub_sub: ok")
}
