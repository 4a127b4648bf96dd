#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# server: jetstream
#
# The `nats` command's backups with consumers, its restores under another configuration, its checks
# of streams and consumers, and account reports. Its answers are validated against the schemas.
set -eu
has() {
    text=$1
    shift
    said=$("$@" 2>&1) || { echo "$*: $said"; exit 1; }
    case $said in
    *"$text"*) ;;
    *) echo "$*: no '$text' in: $said"; exit 1 ;;
    esac
}
ok() { has "" "$@"; }

ok nats stream add A --subjects 'a.*' --max-msgs-per-subject 5 --defaults
for i in 1 2 3; do
    ok nats pub --jetstream "a.$i" "message $i"
done
ok nats stream rmm A 2 --force
ok nats consumer add A C --pull --deliver all --ack explicit --defaults
ok nats consumer next A C --ack
has "Streams: 1" nats account info
has "A" nats stream report
has "C" nats consumer report A
has "OK" nats server check stream --stream A
ok nats server check jetstream

# The consumer's place is in the backup.
ok nats stream backup A "$COMPAT_DIR/backup" --consumers --no-progress
ok nats stream rm A --force
ok nats stream restore "$COMPAT_DIR/backup" --no-progress
has '"num_deleted": 1' nats stream state A --json
has '"stream_seq": 1' nats consumer info A C --json
has "message 3" nats consumer next A C --ack
ok nats pub --jetstream a.4 "message 4"
has "message 4" nats stream get A 4

# What is there already is not replaced.
if nats stream restore "$COMPAT_DIR/backup" --no-progress >/dev/null 2>&1; then
    echo "a stream was restored over one that is there"
    exit 1
fi
ok nats stream rm A --force

# Mirrors and sources.
ok nats stream add O --subjects 'o.*' --defaults
ok nats pub --jetstream o.1 one
ok nats stream add M --mirror O --defaults
tries=0
until nats stream state M --json | grep -q '"messages": 1'; do
    tries=$((tries + 1))
    [ "$tries" -lt 50 ] || { nats stream info M; exit 1; }
done
has "one" nats stream get M 1
