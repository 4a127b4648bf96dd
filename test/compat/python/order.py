# SPDX-License-Identifier: Apache-2.0
"""Two publishers of 10,000 messages each: every subscriber sees each publisher's in order."""
import asyncio

from support import connect, run

COUNT = 10_000


async def publish(name):
    nc = await connect()
    for i in range(COUNT):
        await nc.publish(f"order.{name}", b"%d" % i)
    await nc.flush()
    await nc.close()


async def main():
    subscribers = [await connect(), await connect()]
    seen = []
    finished = []
    for nc in subscribers:
        mine = {"a": [], "b": []}
        done = asyncio.Event()
        seen.append(mine)
        finished.append(done)

        async def on_message(msg, mine=mine, done=done):
            mine[msg.subject[-1]].append(int(msg.data))
            if sum(map(len, mine.values())) == 2 * COUNT:
                done.set()

        await nc.subscribe("order.*", cb=on_message)
        await nc.flush()

    await asyncio.gather(publish("a"), publish("b"))
    for done in finished:
        await asyncio.wait_for(done.wait(), 30)
    for mine in seen:
        assert mine == {"a": list(range(COUNT)), "b": list(range(COUNT))}
    for nc in subscribers:
        await nc.close()


run(main)
