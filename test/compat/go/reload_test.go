// SPDX-License-Identifier: Apache-2.0
// server: users

package compat

import (
	"errors"
	"os"
	"strings"
	"syscall"
	"testing"

	"github.com/nats-io/nats.go"
)

// SIGHUP: a user whose password has changed is disconnected, another one notices nothing.
func TestReload(t *testing.T) {
	closed := make(chan bool, 1)
	failed := make(chan error, 4)
	stays := connect(t, nats.UserInfo("stays", "one"))
	connect(t, nats.UserInfo("goes", "two"),
		nats.ErrorHandler(func(_ *nats.Conn, _ *nats.Subscription, err error) { failed <- err }),
		nats.ClosedHandler(func(*nats.Conn) { closed <- true }))

	path := os.Getenv("SERVER_CONF")
	before, err := os.ReadFile(path)
	check(t, err)
	after := strings.Replace(string(before), "password: two", "password: three", 1)
	check(t, os.WriteFile(path, []byte(after), 0o600))
	signalServer(t, syscall.SIGHUP)

	wait(t, "disconnect of the changed user", closed)
	if err = wait(t, "reason", failed); !errors.Is(err, nats.ErrAuthorization) {
		t.Fatalf("disconnected with %v", err)
	}
	roundTrip(t, stays)
	refused(t, "authorization violation", nats.UserInfo("goes", "two"))
	roundTrip(t, connect(t, nats.UserInfo("goes", "three")))
}
