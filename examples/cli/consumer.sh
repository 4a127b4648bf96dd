#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# server: jetstream
#
# Consumers with the `nats` command.
#
# Run:  ./consumer.sh [nats://127.0.0.1:4222]     (or set NATS_URL)
#
# Needs a server with JetStream (-js). Uses the stream ORDERS and deletes it.
set -eu
fail() {
    echo "consumer: $*" >&2
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

ok nats stream add ORDERS --subjects 'orders.*' --defaults
for number in 1 2 3 4 5; do
    ok nats pub --jetstream orders.created "order $number"
done

has "Pull Mode: true" nats consumer add ORDERS WORK --pull --deliver all --ack explicit \
    --max-deliver 3 --wait 30s --filter orders.created --defaults
has "order 1" nats consumer next ORDERS WORK --count 2 --ack
has "Unprocessed Messages: 3" nats consumer info ORDERS WORK
has "3" nats consumer state ORDERS WORK
has "WORK" nats consumer ls ORDERS
has "WORK" nats consumer find ORDERS --pull
has "WORK" nats consumer report ORDERS
ok nats consumer edit ORDERS WORK --description "the workers" --force
has "the workers" nats consumer info ORDERS WORK
ok nats consumer copy ORDERS WORK COPY --description "a copy"
has "a copy" nats consumer info ORDERS COPY

ok nats consumer pause ORDERS WORK 1h --force
has "Paused" nats consumer info ORDERS WORK
ok nats consumer resume ORDERS WORK --force
has "order 3" nats consumer next ORDERS WORK --ack

# A pinned client: the server gives it an id with its first message, until it is unpinned.
ok nats consumer add ORDERS PINNED --pull --deliver all --ack none --pinned-groups g \
    --pinned-ttl 1m --defaults
ok nats request --raw '$JS.API.CONSUMER.MSG.NEXT.ORDERS.PINNED' '{"batch":1,"group":"g"}'
has "Pinned" nats consumer info ORDERS PINNED
ok nats consumer unpin ORDERS PINNED g --force

has "push.orders" nats consumer add ORDERS PUSH --target push.orders --deliver last --ack none --defaults
ok nats consumer rm ORDERS PUSH --force
ok nats consumer rm ORDERS PINNED --force
ok nats consumer rm ORDERS COPY --force
ok nats consumer rm ORDERS WORK --force
ok nats stream rm ORDERS --force
echo "consumer: ok"
