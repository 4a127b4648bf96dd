# SPDX-License-Identifier: Apache-2.0
# server: jetstream
"""An ordered consumer sees every message once and in order, even if its server side is deleted."""
from nats.js.api import DeliverPolicy
from support import connect, run

COUNT = 3000
PAYLOAD = b"x" * 2000       # enough for flow control to set in


async def main():
    nc = await connect()
    js = nc.jetstream()
    await js.add_stream(name="S", subjects=["s"])
    for _ in range(COUNT):
        await js.publish_async("s", PAYLOAD)
    await js.publish_async_completed()
    sub = await js.subscribe("s", ordered_consumer=True, idle_heartbeat=0.5)
    for expected in range(1, COUNT + 1):
        msg = await sub.next_msg(timeout=10)
        assert msg.metadata.sequence.stream == expected, (msg.metadata, expected)
        assert msg.metadata.num_pending == COUNT - expected
        if expected == COUNT // 2:
            info = await sub.consumer_info()
            await js.delete_consumer("S", info.name)
    await sub.unsubscribe()

    last = await js.subscribe("s", ordered_consumer=True, deliver_policy=DeliverPolicy.LAST)
    assert (await last.next_msg(timeout=5)).metadata.sequence.stream == COUNT
    await nc.close()


run(main)
