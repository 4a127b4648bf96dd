// SPDX-License-Identifier: Apache-2.0

// Request_reply: ask a service, wait for its answer.
//
// Run: go run ./request_reply [nats://127.0.0.1:4222] (or set NATS_URL)
//
// Exits 0 if the answers are right, and if a request that nobody serves fails at once.
//
// Corrected against the snippet this grew from: it ignored the errors of Connect, Subscribe and
// Unmarshal, and left out the type and the function it used.
package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"log"
	"os"
	"time"

	"github.com/nats-io/nats.go"
)

type request struct {
	UserID int `json:"user_id"`
}

type user struct {
	ID   int    `json:"id"`
	Name string `json:"name"`
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

// serve answers on "user.get". Its errors travel to the asker in a header.
func serve(nc *nats.Conn) {
	users := map[int]user{123: {123, "Ada"}, 124: {124, "Grace"}}
	_, err := nc.Subscribe("user.get", func(msg *nats.Msg) {
		var req request
		reply := nats.NewMsg(msg.Reply)
		if err := json.Unmarshal(msg.Data, &req); err != nil {
			reply.Header.Set("Error", "bad request")
		} else if u, found := users[req.UserID]; !found {
			reply.Header.Set("Error", "no such user")
		} else {
			reply.Data, err = json.Marshal(u)
			check(err)
		}
		check(msg.RespondMsg(reply))
	})
	check(err)
	check(nc.Flush())
}

func ask(nc *nats.Conn, id int) (user, error) {
	data, err := json.Marshal(request{id})
	check(err)
	msg, err := nc.Request("user.get", data, 2*time.Second)
	check(err)
	if text := msg.Header.Get("Error"); text != "" {
		return user{}, errors.New(text)
	}
	var u user
	return u, json.Unmarshal(msg.Data, &u)
}

func main() {
	service, err := nats.Connect(url(), nats.Name("request-reply-service"))
	check(err)
	defer service.Close()
	client, err := nats.Connect(url(), nats.Name("request-reply-client"))
	check(err)
	defer client.Close()
	serve(service)

	u, err := ask(client, 123)
	check(err)
	fmt.Printf("user: %v\n", u)
	if u.Name != "Ada" {
		log.Fatalf("wrong user: %v", u)
	}
	if _, err = ask(client, 7); err == nil || err.Error() != "no such user" {
		log.Fatalf("the service's error got lost: %v", err)
	}

	// Nobody listens there: the server says so, and the client need not wait for its timeout.
	_, err = client.Request("user.delete", nil, 30*time.Second)
	if !errors.Is(err, nats.ErrNoResponders) {
		log.Fatalf("expected no responders, got %v", err)
	}
	fmt.Println("user.delete: no responders, as expected")
	fmt.Println("request_reply: ok")
}
