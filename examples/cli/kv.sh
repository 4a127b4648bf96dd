#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# server: jetstream
#
# The key-value store with the `nats` command.
#
# Run:  ./kv.sh [nats://127.0.0.1:4222]     (or set NATS_URL)
#
# Needs a server with JetStream (-js). Uses the bucket CONFIG and deletes it.
set -eu
fail() {
    echo "kv: $*" >&2
    exit 1
}
command -v nats >/dev/null || fail "needs the nats command (natscli)"
NATS_URL=${1:-${NATS_URL:-nats://127.0.0.1:4222}}
export NATS_URL

# has TEXT COMMAND...: the command succeeds and prints the text.
has() {
    text=$1
    shift
    said=$("$@" 2>&1) || fail "$*: $said"
    case $said in
    *"$text"*) ;;
    *) fail "$*: no '$text' in: $said" ;;
    esac
}
# ok COMMAND...: the command succeeds.
ok() { has "" "$@"; }

out=$(mktemp)
trap 'rm -f "$out"' EXIT

ok nats kv add CONFIG --history 5 --ttl 1h
has "30" nats kv put CONFIG api.timeout 30
has "30" nats kv get CONFIG api.timeout --raw
has "red" nats kv create CONFIG colour red
if nats kv create CONFIG colour blue >/dev/null 2>&1; then
    fail "a key was created twice"
fi
has "green" nats kv update CONFIG colour green 2
if nats kv update CONFIG colour blue 2 >/dev/null 2>&1; then
    fail "an update of an old revision was taken"
fi
has "red" nats kv revert CONFIG colour 2 --force
has "green" nats kv history CONFIG colour
has "api.timeout" nats kv ls CONFIG
has "CONFIG" nats kv ls
has "CONFIG" nats kv info CONFIG
ok nats kv edit CONFIG --description "what the service needs"

# The watcher prints all that is there and then what comes; it ends when it has the word.
nats kv watch CONFIG >"$out" 2>&1 &
watcher=$!
tries=0
until grep -q "word" "$out"; do
    tries=$((tries + 1))
    [ "$tries" -lt 100 ] || fail "the watcher saw nothing: $(cat "$out")"
    ok nats kv put CONFIG the.word word
done
kill "$watcher"
grep -q "api.timeout" "$out" || fail "the watcher did not see what was there"

ok nats kv del CONFIG colour --force
if nats kv get CONFIG colour >/dev/null 2>&1; then
    fail "a deleted key is there"
fi
ok nats kv purge CONFIG the.word --force
ok nats kv compact CONFIG --force
ok nats kv del CONFIG --force
echo "kv: ok"
