// SPDX-License-Identifier: Apache-2.0
// server: nkey

package compat

import (
	"testing"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nkeys"
)

// Made for this test; its public half stands in conf/nkey.conf.
const seed = "SUAD55FHOBFZXNPZZ26H2KKU5AWQ54T6RSDFZYPQ57WCHJSUJHZOS3O2YE"

// An nkey user signs the server's nonce; another key, or a wrong signature, does not get in.
func TestNkey(t *testing.T) {
	ours, err := nkeys.FromSeed([]byte(seed))
	check(t, err)
	public, err := ours.PublicKey()
	check(t, err)
	roundTrip(t, connect(t, nats.Nkey(public, ours.Sign)))

	other, err := nkeys.CreateUser()
	check(t, err)
	refused(t, "authorization violation", nats.Nkey(public, other.Sign))
	otherPublic, err := other.PublicKey()
	check(t, err)
	refused(t, "authorization violation", nats.Nkey(otherPublic, other.Sign))
	refused(t, "authorization violation")
}
