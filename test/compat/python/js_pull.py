# SPDX-License-Identifier: Apache-2.0
# server: jetstream
"""Several pull subscribers of one durable consumer share its messages; each is delivered once."""
import asyncio

import nats.errors
from nats.js.api import AckPolicy, ConsumerConfig
from support import connect, run

COUNT = 600


async def work(name, seen):
    nc = await connect(name=name)
    js = nc.jetstream()
    sub = await js.pull_subscribe_bind("C", stream="S")
    while len(seen) < COUNT:
        try:
            for msg in await sub.fetch(25, timeout=0.5, heartbeat=0.2):
                seen.append(int(msg.data))
                assert msg.metadata.num_delivered == 1
                assert msg.metadata.sequence.stream == int(msg.data) + 1
                await msg.ack()
        except nats.errors.TimeoutError:
            pass
    await nc.flush()
    await nc.close()


async def main():
    nc = await connect()
    js = nc.jetstream()
    await js.add_stream(name="S", subjects=["s"])
    await js.add_consumer("S", ConsumerConfig(durable_name="C", ack_policy=AckPolicy.EXPLICIT))
    seen = []
    workers = [asyncio.create_task(work(f"w{i}", seen)) for i in range(3)]
    for i in range(COUNT):
        await js.publish("s", b"%d" % i)
    await asyncio.gather(*workers)
    assert sorted(seen) == list(range(COUNT))
    info = await js.consumer_info("S", "C")
    assert info.ack_floor.stream_seq == COUNT and info.num_redelivered == 0, info

    # Refused messages come again, with their count; a terminated one does not.
    sub = await js.pull_subscribe_bind("C", stream="S")
    await js.publish("s", b"again")
    for delivery in (1, 2, 3):
        [msg] = await sub.fetch(1, timeout=5)
        assert msg.metadata.num_delivered == delivery
        await (msg.nak() if delivery == 1 else msg.nak(delay=0.05) if delivery == 2 else msg.term())
    try:
        await sub.fetch(1, timeout=0.3)
        raise AssertionError("a terminated message came again")
    except nats.errors.TimeoutError:
        pass
    await nc.close()


run(main)
