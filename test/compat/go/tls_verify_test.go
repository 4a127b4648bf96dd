// SPDX-License-Identifier: Apache-2.0
// server: tls_verify

package compat

import (
	"path/filepath"
	"testing"

	"github.com/nats-io/nats.go"
)

// With `verify` a client without a certificate of the authority stays outside.
func TestTLSClientCertificate(t *testing.T) {
	ours := nats.ClientCert(filepath.Join(certs, "client.pem"),
		filepath.Join(certs, "client-key.pem"))
	roundTrip(t, connect(t, authority(), ours))
	refused(t, "certificate required", authority())
}
