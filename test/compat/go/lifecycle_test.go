// SPDX-License-Identifier: Apache-2.0

package compat

import (
	"syscall"
	"testing"

	"github.com/nats-io/nats.go"
)

// A server that stops: its clients' disconnected and closed handlers are called.
func TestClosedHandlers(t *testing.T) {
	disconnected := make(chan bool, 1)
	closed := make(chan bool, 1)
	connect(t,
		nats.DisconnectErrHandler(func(*nats.Conn, error) { disconnected <- true }),
		nats.ClosedHandler(func(*nats.Conn) { closed <- true }))
	signalServer(t, syscall.SIGTERM)
	wait(t, "disconnected", disconnected)
	wait(t, "closed", closed)
}
