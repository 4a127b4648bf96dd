#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
#
# Is the server well? `nats rtt` measures the round trip, `nats server check connection` is made
# for monitoring systems: its exit code is 0 (OK), 1 (warning), 2 (critical) or 3 (unknown).
#
# Run:  ./check.sh [nats://127.0.0.1:4222]     (or set NATS_URL)
#
# Exits 0 if the server answers, and if the check is critical for a port where nobody listens.
set -eu
command -v nats >/dev/null || {
    echo "check: needs the nats command (natscli)" >&2
    exit 1
}
NATS_URL=${1:-${NATS_URL:-nats://127.0.0.1:4222}}
export NATS_URL

nats rtt 3

nats server check connection

# Port 1 (tcpmux) is closed on practically every machine.
code=0
nats --server nats://127.0.0.1:1 server check connection || code=$?
if [ "$code" -ne 2 ]; then
    echo "check: expected exit code 2 for a closed port, got $code" >&2
    exit 1
fi
echo "check: ok"
