// SPDX-License-Identifier: Apache-2.0
// server: user

package compat

import (
	"testing"

	"github.com/nats-io/nats.go"
)

// A user with a password gets in; a wrong or missing one does not.
func TestUserPassword(t *testing.T) {
	roundTrip(t, connect(t, nats.UserInfo("app", "s3cret")))
	refused(t, "authorization violation", nats.UserInfo("app", "secret"))
	refused(t, "authorization violation", nats.UserInfo("", ""))
	refused(t, "authorization violation")
}
