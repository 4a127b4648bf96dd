// SPDX-License-Identifier: Apache-2.0
// server: tls_first

package compat

import (
	"testing"

	"github.com/nats-io/nats.go"
)

// handshake_first: the TLS handshake comes before INFO, and only so.
func TestTLSHandshakeFirst(t *testing.T) {
	roundTrip(t, connect(t, authority(), nats.TLSHandshakeFirst()))
	refused(t, "", authority())
}
