// SPDX-License-Identifier: Apache-2.0
// server: token

package compat

import (
	"testing"

	"github.com/nats-io/nats.go"
)

// A token gets in; a wrong or missing one does not.
func TestToken(t *testing.T) {
	roundTrip(t, connect(t, nats.Token("t0ken")))
	roundTrip(t, connect(t, nats.TokenHandler(func() string { return "t0ken" })))
	refused(t, "authorization violation", nats.Token("t0keN"))
	refused(t, "authorization violation")
}
