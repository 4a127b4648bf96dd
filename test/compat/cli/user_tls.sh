#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# server: user_tls
#
# The `nats` command with a user and TLS; its check is critical (2) with a wrong password.
set -eu
export NATS_CA="$CERTS/ca.pem" NATS_USER=app NATS_PASSWORD=s3cret
nats rtt 2
nats server check connection
nats pub --quiet some.subject text
code=0
nats --password wrong server check connection || code=$?
test "$code" -eq 2
code=0
nats --tlsca "$CERTS/client.pem" server check connection || code=$?
test "$code" -eq 2
