# SPDX-License-Identifier: Apache-2.0
"""JetStream: a stream keeps messages, publishers get acks, a durable consumer works them off.

Run:  pip install -r requirements.txt
      python jetstream.py [nats://127.0.0.1:4222]     (or set NATS_URL)

Needs a server with JetStream (`-js`). Uses the stream ORDERS and deletes it. Exits 0 if all went
as it should, else 1.

Corrected against the snippet this grew from: it asked for three replicas, which only a cluster has
(here the error is shown, then one is asked for); it never ended; it ignored that a pull request
without messages is a timeout of nats-py's own kind.
"""
import asyncio
import json
import os
import sys

import nats
import nats.errors
import nats.js.errors
from nats.js.api import AckPolicy, ConsumerConfig, DeliverPolicy, RetentionPolicy, StorageType

URL = sys.argv[1] if len(sys.argv) > 1 else os.environ.get("NATS_URL", "nats://127.0.0.1:4222")
REPLICAS_NOT_SUPPORTED = 10074


async def create_stream(js):
    config = {
        "name": "ORDERS",
        "subjects": ["orders.*"],
        "retention": RetentionPolicy.LIMITS,    # or INTEREST, WORK_QUEUE
        "max_msgs": 1_000_000,
        "max_bytes": 1024 * 1024 * 1024,
        "max_age": 7 * 24 * 60 * 60,            # seconds
        "storage": StorageType.FILE,            # or MEMORY
    }
    try:
        await js.add_stream(**config, num_replicas=3)
        print("three replicas: this is a cluster")
    except nats.js.errors.ServerError as e:
        assert e.err_code == REPLICAS_NOT_SUPPORTED, e
        print(f"three replicas: {e.description}")
        await js.add_stream(**config, num_replicas=1)


async def publish(js):
    for number in range(1, 26):
        order = {"id": number, "total": 99.99}
        ack = await js.publish("orders.created", json.dumps(order).encode())
        # The message is on disk when the ack is here.
        assert (ack.stream, ack.seq) == ("ORDERS", number), ack
    print(f"published to stream {ack.stream}, up to sequence {ack.seq}")


async def publish_twice(js):
    """A message id makes a second attempt harmless."""
    data = json.dumps({"id": 123, "total": 99.99}).encode()
    headers = {"Nats-Msg-Id": "order-123"}
    first = await js.publish("orders.created", data, headers=headers)
    second = await js.publish("orders.created", data, headers=headers)
    assert not first.duplicate and second.duplicate, (first, second)
    assert first.seq == second.seq == 26
    print("the second time it was a duplicate")


async def consume(js):
    await js.add_consumer(
        "ORDERS",
        config=ConsumerConfig(
            durable_name="orders-processor",
            deliver_policy=DeliverPolicy.ALL,   # or NEW, LAST, BY_START_SEQUENCE, ...
            ack_policy=AckPolicy.EXPLICIT,      # or NONE, ALL
            max_deliver=3,
            ack_wait=30,                        # seconds
            max_ack_pending=100,
        ))
    subscription = await js.pull_subscribe("orders.*", "orders-processor")
    ids = []
    while True:
        try:
            messages = await subscription.fetch(batch=10, timeout=1)
        except nats.errors.TimeoutError:
            break       # nothing more to do
        for msg in messages:
            ids.append(json.loads(msg.data)["id"])
            await msg.ack_sync()    # returns when the server has taken the ack
    assert ids == [*range(1, 26), 123], ids
    info = await subscription.consumer_info()
    assert info.num_pending == 0 and info.num_ack_pending == 0, info
    await subscription.unsubscribe()
    print(f"processed {len(ids)} orders")


async def main():
    nc = await nats.connect(URL, name="jetstream")
    js = nc.jetstream()
    await create_stream(js)
    await publish(js)
    await publish_twice(js)
    await consume(js)
    await js.delete_stream("ORDERS")
    await nc.drain()
    print("jetstream: ok")


asyncio.run(main())
