// SPDX-License-Identifier: Apache-2.0

// Connection_options: options and handlers of a connection.
//
// Run: go run ./connection_options [nats://127.0.0.1:4222] (or set NATS_URL)
//
// NATS_USER and NATS_PASSWORD log in; NATS_CA names the PEM file of the authority that signed
// the server's certificate and turns TLS on. Exits 0 if every handler was called.
package main

import (
	"errors"
	"fmt"
	"log"
	"os"
	"time"

	"github.com/nats-io/nats.go"
)

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

// wait takes one value from c, or ends the program.
func wait[T any](what string, c <-chan T) T {
	select {
	case v := <-c:
		return v
	case <-time.After(5 * time.Second):
		log.Fatalf("%s: handler not called", what)
		panic("unreachable")
	}
}

func credentials() []nats.Option {
	options := []nats.Option{}
	if user := os.Getenv("NATS_USER"); user != "" {
		options = append(options, nats.UserInfo(user, os.Getenv("NATS_PASSWORD")))
	}
	if ca := os.Getenv("NATS_CA"); ca != "" {
		options = append(options, nats.RootCAs(ca))
	}
	return options
}

func main() {
	disconnected := make(chan error, 4)
	reconnected := make(chan string, 4)
	closed := make(chan bool, 4)
	failed := make(chan error, 4)

	options := append(credentials(),
		nats.Name("connection-options"), // shown by the server's monitoring
		nats.Timeout(2*time.Second),
		nats.ReconnectWait(100*time.Millisecond),
		nats.MaxReconnects(10), // per server; -1 never gives up
		nats.PingInterval(time.Minute),
		nats.MaxPingsOutstanding(3),
		nats.NoEcho(), // don't get back what this connection publishes
		nats.DisconnectErrHandler(func(_ *nats.Conn, err error) { disconnected <- err }),
		nats.ReconnectHandler(func(nc *nats.Conn) { reconnected <- nc.ConnectedUrl() }),
		nats.ClosedHandler(func(*nats.Conn) { closed <- true }),
		nats.ErrorHandler(func(_ *nats.Conn, _ *nats.Subscription, err error) { failed <- err }),
	)
	nc, err := nats.Connect(url(), options...)
	check(err)
	fmt.Printf("connected to %s, server %s %s, max_payload %d\n",
		nc.ConnectedUrl(), nc.ConnectedServerName(), nc.ConnectedServerVersion(), nc.MaxPayload())
	other, err := nats.Connect(url(), credentials()...)
	check(err)
	defer other.Close()

	// NoEcho: of the two messages only the one from the other connection arrives.
	sub, err := nc.SubscribeSync("options.echo")
	check(err)
	check(nc.Publish("options.echo", []byte("mine")))
	check(nc.Flush())
	check(other.Publish("options.echo", []byte("other's")))
	msg, err := sub.NextMsg(5 * time.Second)
	check(err)
	if string(msg.Data) != "other's" {
		log.Fatalf("got %q", msg.Data)
	}

	// A subscription whose own buffer is full drops messages and says so to the error handler.
	slow, err := nc.SubscribeSync("options.slow")
	check(err)
	check(slow.SetPendingLimits(1, -1))
	check(nc.Flush())
	for range 3 {
		check(other.Publish("options.slow", []byte("x")))
	}
	if err = wait("error", failed); !errors.Is(err, nats.ErrSlowConsumer) {
		log.Fatalf("expected a slow consumer, got %v", err)
	}
	check(slow.Unsubscribe())

	// Drop the connection: the client comes back and renews its subscriptions by itself.
	check(nc.ForceReconnect())
	wait("disconnected", disconnected)
	fmt.Println("reconnected to", wait("reconnected", reconnected))
	check(nc.Flush())
	check(other.Publish("options.echo", []byte("after the reconnect")))
	msg, err = sub.NextMsg(5 * time.Second)
	check(err)
	if string(msg.Data) != "after the reconnect" {
		log.Fatalf("got %q", msg.Data)
	}

	nc.Close()
	wait("closed", closed)
	fmt.Println("connection_options: ok")
}
