// SPDX-License-Identifier: Apache-2.0
// server: tls

package compat

import (
	"crypto/tls"
	"testing"

	"github.com/nats-io/nats.go"
)

// TLS after INFO, in both versions, with a message of many records; an unknown authority and a
// plain client are refused.
func TestTLS(t *testing.T) {
	for _, version := range []uint16{tls.VersionTLS12, tls.VersionTLS13} {
		only := &tls.Config{MinVersion: version, MaxVersion: version}
		nc := connect(t, nats.Secure(only), authority())
		roundTrip(t, nc)
		state, err := nc.TLSConnectionState()
		check(t, err)
		if state.Version != version {
			t.Fatalf("TLS version %x, not %x", state.Version, version)
		}
		sub, err := nc.SubscribeSync("large")
		check(t, err)
		check(t, nc.Publish("large", make([]byte, nc.MaxPayload())))
		msg, err := sub.NextMsg(patience)
		check(t, err)
		if int64(len(msg.Data)) != nc.MaxPayload() {
			t.Fatalf("got %d bytes", len(msg.Data))
		}
	}
	refused(t, "certificate", nats.Secure())
}
