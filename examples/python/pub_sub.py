# SPDX-License-Identifier: Apache-2.0
"""Publish and subscribe: every subscriber of a subject gets every message.

Run:  pip install -r requirements.txt
      python pub_sub.py [nats://127.0.0.1:4222]     (or set NATS_URL)

One service announces orders; two services that don't know of each other listen, one to a single
subject, one to all subjects below `orders`. Exits 0 if both saw what they should, else 1.

Corrected against the snippet this grew from: it published before anyone had subscribed (a core
NATS message reaches only those who listen at that moment), it used `json` without importing it,
and it kept the process alive with sleep(3600) instead of waiting for the messages.
"""
import asyncio
import json
import os
import sys

import nats

URL = sys.argv[1] if len(sys.argv) > 1 else os.environ.get("NATS_URL", "nats://127.0.0.1:4222")


async def main():
    subscriber = await nats.connect(URL, name="pub-sub-subscriber")
    publisher = await nats.connect(URL, name="pub-sub-publisher")

    created = []
    done = asyncio.get_running_loop().create_future()

    async def on_created(msg):
        order = json.loads(msg.data)
        print(f"on {msg.subject}: order {order['id']}")
        created.append(order["id"])

    everything = []

    async def on_any_order(msg):
        everything.append(msg.subject)
        if msg.subject == "orders.done" and not done.done():
            done.set_result(None)

    await subscriber.subscribe("orders.created", cb=on_created)
    # `*` stands for one token, `>` for one or more at the end.
    await subscriber.subscribe("orders.>", cb=on_any_order)
    # flush() returns when the server has answered a PING, so it has seen both subscriptions.
    await subscriber.flush()

    for order_id in (1, 2, 3):
        order = {"id": order_id, "total": 99.99, "status": "created"}
        await publisher.publish("orders.created", json.dumps(order).encode())
    await publisher.publish("orders.created.eu", b"{}")
    await publisher.publish("orders.done")

    await asyncio.wait_for(done, timeout=10)
    # drain() hands every message already received to its callback, then closes.
    await publisher.drain()
    await subscriber.drain()

    assert created == [1, 2, 3], created
    assert everything == ["orders.created"] * 3 + ["orders.created.eu", "orders.done"], everything
    print("pub_sub: ok")


asyncio.run(main())
