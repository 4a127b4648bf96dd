// SPDX-License-Identifier: Apache-2.0

// Reconnect: a connection that moves between independent servers.
//
// Run: go run ./reconnect nats://127.0.0.1:4222 nats://127.0.0.1:4223 [...]
// (or set NATS_URL, with commas), and stop the server that it names.
//
// The connection moves to another server of its list and takes its subscriptions along. Exits 0
// if they work there. Independent servers know nothing of each other: two clients meet only
// while they are connected to the same one.
package main

import (
	"fmt"
	"log"
	"os"
	"strings"
	"time"

	"github.com/nats-io/nats.go"
)

func urls() string {
	if len(os.Args) > 1 {
		return strings.Join(os.Args[1:], ",")
	}
	if env := os.Getenv("NATS_URL"); env != "" {
		return env
	}
	return "nats://127.0.0.1:4222,nats://127.0.0.1:4223"
}

func check(err error) {
	if err != nil {
		log.Fatal(err)
	}
}

func expect(sub *nats.Subscription, want string) {
	msg, err := sub.NextMsg(5 * time.Second)
	if err != nil {
		log.Fatalf("waiting for %q: %v", want, err)
	}
	if string(msg.Data) != want {
		log.Fatalf("expected %q, got %q", want, msg.Data)
	}
}

func main() {
	disconnected := make(chan error, 8)
	reconnected := make(chan string, 8)
	nc, err := nats.Connect(urls(),
		nats.ReconnectWait(100*time.Millisecond),
		nats.MaxReconnects(-1), // never give up
		nats.DisconnectErrHandler(func(_ *nats.Conn, err error) { disconnected <- err }),
		nats.ReconnectHandler(func(nc *nats.Conn) { reconnected <- nc.ConnectedUrl() }),
	)
	check(err)
	defer nc.Close()
	sub, err := nc.SubscribeSync("reconnect.test")
	check(err)
	check(nc.Publish("reconnect.test", []byte("before")))
	expect(sub, "before")

	first := nc.ConnectedUrl()
	fmt.Printf("connected to %s: stop that server now\n", strings.TrimPrefix(first, "nats://"))
	deadline := time.After(60 * time.Second)
	select {
	case err = <-disconnected:
		fmt.Println("disconnected:", err)
	case <-deadline:
		log.Fatal("the server was not stopped")
	}

	// While there is no server, publishes are kept and sent after the reconnect (up to
	// ReconnectBufSize bytes).
	check(nc.Publish("reconnect.test", []byte("meanwhile")))
	select {
	case second := <-reconnected:
		fmt.Println("reconnected to", second)
		if second == first {
			log.Fatal("that is the server that was stopped")
		}
	case <-deadline:
		log.Fatal("no reconnect")
	}
	expect(sub, "meanwhile")
	check(nc.Publish("reconnect.test", []byte("after")))
	expect(sub, "after")
	check(nc.Flush())
	if n, _, _ := sub.Pending(); n != 0 {
		log.Fatalf("%d messages arrived twice", n)
	}
	fmt.Println("reconnect: ok")
}
