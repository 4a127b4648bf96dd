#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
#
# Request and reply with the `nats` command.
#
# Run:  ./request_reply.sh [nats://127.0.0.1:4222]     (or set NATS_URL)
#
# `nats reply` is a service; requests are repeated until it is there: until then the server
# answers each of them at once with "no responders". Exits 0 if the right replies came.
set -eu
command -v nats >/dev/null || {
    echo "request_reply: needs the nats command (natscli)" >&2
    exit 1
}
NATS_URL=${1:-${NATS_URL:-nats://127.0.0.1:4222}}
export NATS_URL

nats reply --echo 'echo.>' >/dev/null 2>&1 &
service=$!
trap 'kill "$service" 2>/dev/null || true' EXIT

tries=0
reply=
until [ "$reply" = "hello" ]; do
    tries=$((tries + 1))
    if [ "$tries" -gt 200 ]; then
        echo "request_reply: the service does not answer" >&2
        exit 1
    fi
    reply=$(nats request --raw echo.me hello 2>/dev/null) || reply=
done
echo "reply: $reply"

# Several replies to one command, one per request.
count=$(nats request --raw --count 5 echo.me 'number {{Count}}' | grep -c '^number [1-5]$')
if [ "$count" -ne 5 ]; then
    echo "request_reply: expected 5 replies, got $count" >&2
    exit 1
fi

# Nobody serves this subject: that is said at once, long before the timeout.
text=$(nats --timeout 30s request nobody.home hello 2>&1) || true
case $text in
*"No responders are available"*) ;;
*)
    echo "request_reply: a request without a service gave: $text" >&2
    exit 1
    ;;
esac
echo "request_reply: ok"
