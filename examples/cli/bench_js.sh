#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# server: jetstream
#
# `nats bench js` and `nats bench kv`: how many messages a second go in and out of a stream.
#
# Run:  ./bench_js.sh [nats://127.0.0.1:4222]     (or set NATS_URL)
#
# Needs a server with JetStream (-js). MSGS sets the number of messages (20000); the synchronous
# runs take a twentieth of them. Uses benchstream and benchbucket and deletes them.
set -eu
fail() {
    echo "bench_js: $*" >&2
    exit 1
}
command -v nats >/dev/null || fail "needs the nats command (natscli)"
NATS_URL=${1:-${NATS_URL:-nats://127.0.0.1:4222}}
export NATS_URL

# ok COMMAND...: the command succeeds.
ok() {
    said=$("$@" 2>&1) || fail "$*: $said"
}

MSGS=${MSGS:-20000}
few=$((MSGS / 20))

# Not by --create: that asks for a kind of stream that servers below nats-server 2.14 don't have.
ok nats stream add benchstream --subjects bench --allow-batch --allow-direct --defaults

echo "-- publish"
nats bench js pub sync bench --no-progress --size 128 --msgs "$few"
nats bench js pub async bench --purge --no-progress --size 128 --msgs "$MSGS"
nats bench js pub atomic bench --purge --no-progress --size 128 --msgs "$MSGS"

echo "-- read"
nats bench js ordered --no-progress --size 128 --msgs "$MSGS"
nats bench js consume --no-progress --size 128 --msgs "$MSGS"
ok nats consumer rm benchstream nats-bench --force
nats bench js fetch --no-progress --size 128 --msgs "$MSGS"
nats bench js get sync --no-progress --size 128 --msgs "$few"
nats bench js get batch --no-progress --size 128 --msgs "$MSGS"
ok nats stream rm benchstream --force

echo "-- key-value"
nats bench kv put --no-progress --size 128 --msgs "$few"
nats bench kv get --no-progress --size 128 --msgs "$few"
ok nats kv del benchbucket --force
echo "bench_js: ok"
