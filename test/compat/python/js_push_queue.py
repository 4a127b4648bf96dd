# SPDX-License-Identifier: Apache-2.0
# server: jetstream
"""A push consumer with a queue group: members share, what one leaves unacknowledged comes again."""
import asyncio

from nats.js.api import AckPolicy, ConsumerConfig
from support import connect, run

COUNT = 300


async def main():
    nc = await connect()
    js = nc.jetstream()
    await js.add_stream(name="S", subjects=["s"])
    done = asyncio.Event()
    acked = set()
    dropped = set()

    def member(lazy):
        async def on_message(msg):
            number = int(msg.data)
            if lazy and msg.metadata.num_delivered == 1:
                dropped.add(number)     # not acknowledged: somebody gets it again
                return
            acked.add(number)
            await msg.ack()
            if len(acked) == COUNT:
                done.set()
        return on_message

    config = ConsumerConfig(ack_policy=AckPolicy.EXPLICIT, ack_wait=0.5)
    members = [await connect() for _ in range(3)]
    for i, member_nc in enumerate(members):
        await member_nc.jetstream().subscribe(
            "s", queue="workers", durable="workers", config=config, manual_ack=True,
            cb=member(lazy=i == 0))
    for i in range(COUNT):
        await js.publish("s", b"%d" % i)
    await asyncio.wait_for(done.wait(), 30)
    assert dropped and acked == set(range(COUNT))
    for member_nc in members:
        await member_nc.flush()
        await member_nc.close()
    info = await js.consumer_info("S", "workers")
    assert info.ack_floor.stream_seq == COUNT, info
    assert not info.push_bound
    await nc.close()


run(main)
