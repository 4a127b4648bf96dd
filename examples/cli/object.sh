#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# server: jetstream
#
# The object store with the `nats` command.
#
# Run:  ./object.sh [nats://127.0.0.1:4222]     (or set NATS_URL)
#
# Needs a server with JetStream (-js). Uses the bucket FILES and deletes it.
set -eu
fail() {
    echo "object: $*" >&2
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

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
head -c 3000000 /dev/urandom >"$work/large.bin"
echo "a few words" >"$work/note.txt"

ok nats object add FILES
ok nats object put FILES "$work/large.bin" --name large.bin --no-progress --force
ok nats object put FILES "$work/note.txt" --name note.txt --no-progress --force
ok nats object get FILES large.bin --output "$work/copy.bin" --no-progress --force
cmp "$work/large.bin" "$work/copy.bin" || fail "the copy differs"
has "note.txt" nats object ls FILES
has "FILES" nats object ls
has "note.txt" nats object info FILES note.txt
has "FILES" nats object info FILES
ok nats object edit FILES --description "all our files"

# The watcher prints what is there.
nats object watch FILES >"$work/watched" 2>&1 &
watcher=$!
tries=0
until grep -q "late.txt" "$work/watched"; do
    tries=$((tries + 1))
    [ "$tries" -lt 100 ] || fail "the watcher saw nothing: $(cat "$work/watched")"
    ok nats object put FILES "$work/note.txt" --name late.txt --no-progress --force
done
kill "$watcher"
grep -q "large.bin" "$work/watched" || fail "the watcher did not see what was there"

ok nats object del FILES note.txt --force
if nats object info FILES note.txt >/dev/null 2>&1; then
    fail "a deleted object is there"
fi
ok nats object seal FILES --force
if nats object put FILES "$work/note.txt" --name note.txt --no-progress --force \
        >/dev/null 2>&1; then
    fail "a sealed bucket took an object"
fi
ok nats object del FILES --force
echo "object: ok"
