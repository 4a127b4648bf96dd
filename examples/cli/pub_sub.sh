#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
#
# Publish and subscribe with the `nats` command.
#
# Run:  ./pub_sub.sh [nats://127.0.0.1:4222]     (or set NATS_URL)
#
# `nats sub --count 3` ends after three messages. A core NATS message reaches only those who
# listen at that moment, and the command does not tell when its subscription is in place, so this
# script publishes numbered messages until the subscriber has ended. Exits 0 if the subscriber
# got three of them in a row.
set -eu
command -v nats >/dev/null || {
    echo "pub_sub: needs the nats command (natscli)" >&2
    exit 1
}
NATS_URL=${1:-${NATS_URL:-nats://127.0.0.1:4222}}
export NATS_URL

out=$(mktemp)
trap 'rm -f "$out"' EXIT

nats sub 'orders.>' --count 3 --raw >"$out" &
subscriber=$!
number=0
while kill -0 "$subscriber" 2>/dev/null && [ "$number" -lt 200 ]; do
    number=$((number + 1))
    nats pub --quiet orders.created "$number"
done
if ! wait "$subscriber"; then
    echo "pub_sub: the subscriber failed" >&2
    exit 1
fi

echo "received:" $(cat "$out")
awk 'NF { if (n++ && $1 != last + 1) exit 1; last = $1 } END { exit n != 3 }' "$out" || {
    echo "pub_sub: expected three numbers in a row" >&2
    exit 1
}

# One command can send many messages; its templates number them.
nats pub --quiet orders.created 'order {{Count}}' --count 100
echo "pub_sub: ok"
