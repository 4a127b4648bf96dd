// SPDX-License-Identifier: Apache-2.0

// What the Go tests share. run.py builds them into one binary and runs each test against a
// server of its own; the line "server: NAME" in a file names its configuration.
package compat

import (
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/nats-io/nats.go"
)

const patience = 10 * time.Second

var (
	serverURL = os.Getenv("NATS_URL")
	certs     = os.Getenv("CERTS")
)

func check(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// connect gives a connection that doesn't reconnect, so that a failure shows at once.
func connect(t *testing.T, options ...nats.Option) *nats.Conn {
	t.Helper()
	nc, err := nats.Connect(serverURL, append([]nats.Option{nats.NoReconnect()}, options...)...)
	check(t, err)
	t.Cleanup(nc.Close)
	return nc
}

// refused fails unless the server refuses the connection with the text.
func refused(t *testing.T, text string, options ...nats.Option) {
	t.Helper()
	nc, err := nats.Connect(serverURL, options...)
	if err == nil {
		nc.Close()
		t.Fatal("the server accepted the connection")
	}
	if !strings.Contains(strings.ToLower(err.Error()), text) {
		t.Fatalf("expected %q, got %v", text, err)
	}
}

func roundTrip(t *testing.T, nc *nats.Conn) {
	t.Helper()
	sub, err := nc.SubscribeSync("round.trip")
	check(t, err)
	check(t, nc.Publish("round.trip", []byte("there and back")))
	msg, err := sub.NextMsg(patience)
	check(t, err)
	if string(msg.Data) != "there and back" {
		t.Fatalf("got %q", msg.Data)
	}
	check(t, sub.Unsubscribe())
}

// wait takes one value from c, or fails.
func wait[T any](t *testing.T, what string, c <-chan T) T {
	t.Helper()
	select {
	case v := <-c:
		return v
	case <-time.After(patience):
		t.Fatalf("%s: waited in vain", what)
		panic("unreachable")
	}
}

func signalServer(t *testing.T, sig syscall.Signal) {
	t.Helper()
	pid, err := strconv.Atoi(os.Getenv("SERVER_PID"))
	check(t, err)
	check(t, syscall.Kill(pid, sig))
}

func authority() nats.Option { return nats.RootCAs(filepath.Join(certs, "ca.pem")) }
