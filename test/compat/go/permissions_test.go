// SPDX-License-Identifier: Apache-2.0
// server: permissions

package compat

import (
	"errors"
	"strings"
	"testing"

	"github.com/nats-io/nats.go"
)

// Forbidden subjects: the error names operation and subject, and the connection stays.
func TestPermissions(t *testing.T) {
	failed := make(chan error, 4)
	nc := connect(t, nats.UserInfo("app", "s3cret"),
		nats.ErrorHandler(func(_ *nats.Conn, _ *nats.Subscription, err error) { failed <- err }))
	expect := func(text string) {
		t.Helper()
		err := wait(t, text, failed)
		if !errors.Is(err, nats.ErrPermissionViolation) || !strings.Contains(err.Error(), text) {
			t.Fatalf("expected %q, got %v", text, err)
		}
	}
	check(t, nc.Publish("shut.door", nil))
	expect(`Permissions Violation for Publish to "shut.door"`)
	check(t, nc.Publish("open.closed", nil))
	expect(`Permissions Violation for Publish to "open.closed"`)
	_, err := nc.QueueSubscribeSync("shut.>", "q")
	check(t, err)
	expect(`Permissions Violation for Subscription to "shut.>" using queue "q"`)

	sub, err := nc.SubscribeSync("open.door")
	check(t, err)
	check(t, nc.Publish("open.door", nil))
	_, err = sub.NextMsg(patience)
	check(t, err)
}
