#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# server: jetstream
#
# Streams with the `nats` command, which checks every answer of the server against its published
# schema.
#
# Run:  ./stream.sh [nats://127.0.0.1:4222]     (or set NATS_URL)
#
# Needs a server with JetStream (-js). Uses the streams ORDERS, COPY and SEALED and deletes them.
set -eu
fail() {
    echo "stream: $*" >&2
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

has "Stream ORDERS was created" nats stream add ORDERS --subjects 'orders.*' --storage file \
    --max-msgs 1000 --max-age 7d --dupe-window 2m --allow-direct --defaults
# Three replicas need three servers.
said=$(nats stream add THREE --subjects three --replicas 3 --defaults 2>&1) && fail "$said"
case $said in
*10074*) ;;
*) fail "three replicas: $said" ;;
esac
for number in 1 2 3; do
    ok nats pub --jetstream orders.created "order $number"
    ok nats pub --jetstream --header Nats-Msg-Id:"done-$number" orders.done "done $number"
done

has "Messages: 6" nats stream info ORDERS
has "Messages: 6" nats stream state ORDERS
has "ORDERS" nats stream ls
has "orders.done" nats stream subjects ORDERS
has "ORDERS" nats stream find --subject 'orders.*'
has "ORDERS" nats stream report
# Paging wants a terminal; `script` gives it one.
has "order 2" script -qec "nats stream view --raw ORDERS 10" /dev/null
has "order 3" nats stream get ORDERS --last-for orders.created
has "order 1" nats stream get ORDERS 1

has "Maximum Messages: 500" nats stream edit ORDERS --max-msgs 500 --force
ok nats stream rmm ORDERS 3 --force
has "Messages: 5" nats stream state ORDERS
has "1" nats stream gaps ORDERS --force --no-progress
ok nats stream purge ORDERS --subject orders.done --force
has "Messages: 2" nats stream state ORDERS

has "Stream COPY was created" nats stream copy ORDERS COPY --subjects 'copy.*'

# A backup holds messages and consumers, here of the stream; it comes back under its name.
ok nats stream backup ORDERS "$work/backup" --no-progress
ok nats stream rm ORDERS --force
ok nats stream restore "$work/backup" --no-progress
has "order 3" nats stream get ORDERS --last-for orders.created
has "Messages: 2" nats stream state ORDERS

has "Stream SEALED was created" nats stream add SEALED --subjects sealed --defaults
ok nats stream seal SEALED --force
has "sealed" nats stream info SEALED
if nats pub --jetstream sealed text >/dev/null 2>&1; then
    fail "a sealed stream took a message"
fi

for stream in ORDERS COPY SEALED; do
    ok nats stream rm "$stream" --force
done
has "No Streams defined" nats stream ls
has "Streams: 0" nats account info
echo "stream: ok"
