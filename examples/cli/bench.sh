#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
#
# `nats bench`: how many messages a second go through.
#
# Run:  ./bench.sh [nats://127.0.0.1:4222]     (or set NATS_URL)
#
# MSGS sets the number of messages (100000). Exits 0 if all three runs ended.
set -eu
command -v nats >/dev/null || {
    echo "bench: needs the nats command (natscli)" >&2
    exit 1
}
NATS_URL=${1:-${NATS_URL:-nats://127.0.0.1:4222}}
export NATS_URL
MSGS=${MSGS:-100000}

echo "-- publish only"
nats bench pub bench.only --no-progress --size 128 --msgs "$MSGS"

echo "-- publish and subscribe"
# The subscriber ends after MSGS messages. Publishing is repeated because it may have begun
# before the subscription was in place.
nats bench sub bench.both --no-progress --size 128 --msgs "$MSGS" &
subscriber=$!
rounds=0
while kill -0 "$subscriber" 2>/dev/null && [ "$rounds" -lt 100 ]; do
    rounds=$((rounds + 1))
    nats bench pub bench.both --no-progress --size 128 --msgs "$MSGS" >/dev/null
done
wait "$subscriber"

echo "-- request and reply"
nats bench service serve bench.service --no-progress --size 128 --msgs "$MSGS" >/dev/null 2>&1 &
service=$!
trap 'kill "$service" 2>/dev/null || true' EXIT
tries=0
until nats request --raw bench.service x >/dev/null 2>&1 &&
    nats bench service request bench.service --no-progress --size 128 --msgs 1000; do
    tries=$((tries + 1))
    if [ "$tries" -gt 100 ]; then
        echo "bench: the service does not answer" >&2
        exit 1
    fi
done
echo "bench: ok"
