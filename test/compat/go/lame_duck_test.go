// SPDX-License-Identifier: Apache-2.0
// server: lame_duck

package compat

import (
	"syscall"
	"testing"

	"github.com/nats-io/nats.go"
)

// SIGUSR2: clients are told of the lame duck mode, go on working, and no new one gets in.
func TestLameDuck(t *testing.T) {
	told := make(chan bool, 1)
	nc := connect(t, nats.LameDuckModeHandler(func(*nats.Conn) { told <- true }))
	signalServer(t, syscall.SIGUSR2)
	wait(t, "lame duck", told)
	roundTrip(t, nc)
	refused(t, "", nats.NoReconnect())
}
