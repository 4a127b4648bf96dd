# SPDX-License-Identifier: Apache-2.0
"""A member of a queue group that drains under load loses nothing of what it was given."""
import asyncio

from support import connect, run

COUNT = 20_000


async def main():
    done = {}
    finished = asyncio.Event()
    members = []
    for member in range(3):
        nc = await connect()

        async def on_message(msg, member=member):
            done.setdefault(int(msg.data), []).append(member)
            if len(done) == COUNT:
                finished.set()

        await nc.subscribe("work", queue="group", cb=on_message)
        await nc.flush()
        members.append(nc)

    publisher = await connect()
    drains = []
    for i in range(COUNT):
        await publisher.publish("work", b"%d" % i)
        if i in (COUNT // 4, COUNT // 2):
            await publisher.flush()
            drains.append(asyncio.create_task(members[len(drains)].drain()))
    await publisher.flush()
    await asyncio.gather(*drains)
    try:
        await asyncio.wait_for(finished.wait(), 30)
    except asyncio.TimeoutError:
        raise AssertionError(f"lost {COUNT - len(done)} of {COUNT}") from None
    assert all(len(who) == 1 for who in done.values())
    assert all(nc.is_closed for nc in members[:2])
    assert {who[0] for who in done.values()} == {0, 1, 2}
    await members[2].close()
    await publisher.close()


run(main)
