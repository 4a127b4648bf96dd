# SPDX-License-Identifier: Apache-2.0
"""Reconnection between several independent servers.

Run:  python reconnect.py nats://127.0.0.1:4222 nats://127.0.0.1:4223 [...]
      (or NATS_URL with commas), and stop the server that it names.

The connection moves to another server of its list and takes its subscriptions along. Exits 0 if
they work there. Independent servers know nothing of each other: two clients meet only while they
are connected to the same one. That is why this program publishes on its own connection.

Corrected against the snippet this grew from: it subscribed again in reconnected_cb. The client
has already renewed all subscriptions by then; the second one would deliver everything twice.
"""
import asyncio
import os
import sys

import nats

URLS = sys.argv[1:] or os.environ.get(
    "NATS_URL", "nats://127.0.0.1:4222,nats://127.0.0.1:4223").split(",")


async def main():
    disconnected = asyncio.Event()
    reconnected = asyncio.Event()

    async def on_disconnected():
        print("disconnected")
        disconnected.set()

    async def on_reconnected():
        print(f"reconnected to {nc.connected_url.netloc}")
        reconnected.set()

    async def on_error(e):
        print(f"error: {e}")    # each attempt that fails is reported here

    nc = await nats.connect(
        servers=URLS,
        reconnect_time_wait=0.1,
        max_reconnect_attempts=-1,      # never give up
        disconnected_cb=on_disconnected,
        reconnected_cb=on_reconnected,
        error_cb=on_error,
    )
    sub = await nc.subscribe("reconnect.test")
    await nc.publish("reconnect.test", b"before")
    assert (await sub.next_msg(timeout=5)).data == b"before"

    first = nc.connected_url.netloc
    print(f"connected to {first}: stop that server now", flush=True)
    await asyncio.wait_for(disconnected.wait(), timeout=60)

    # While there is no server, publishes are kept and sent after the reconnect (up to
    # `pending_size` bytes).
    await nc.publish("reconnect.test", b"meanwhile")
    await asyncio.wait_for(reconnected.wait(), timeout=60)
    second = nc.connected_url.netloc
    assert second != first, second

    assert (await sub.next_msg(timeout=5)).data == b"meanwhile"
    await nc.publish("reconnect.test", b"after")
    assert (await sub.next_msg(timeout=5)).data == b"after"
    await nc.flush()
    assert sub.pending_msgs == 0, "something arrived twice"

    await nc.drain()
    print("reconnect: ok")


asyncio.run(main())
