# SPDX-License-Identifier: Apache-2.0
"""A trace lists its targets up to 256 KiB, and while they come and go on other connections."""
import asyncio
import json

from support import connect, run

EVENTS_BYTES_MAX = 256 * 1024
EVENT_BYTES_MAX = 300
TRACE = {"Nats-Trace-Dest": "traces", "Nats-Trace-Only": "on"}


async def ignore(_):
    pass


async def trace(nc, traces):
    await nc.publish("some", b"", headers=TRACE)
    msg = await traces.next_msg(timeout=10)
    return len(msg.data), json.loads(msg.data)["events"]


async def main():
    nc, other = await connect(), await connect()
    traces = await nc.subscribe("traces")
    subs = [await other.subscribe("some", cb=ignore) for _ in range(100)]
    await other.flush()
    _, events = await trace(nc, traces)
    assert len(events) == 101, len(events)
    subs += [await other.subscribe("some", cb=ignore) for _ in range(4900)]
    await other.flush()
    size, events = await trace(nc, traces)
    assert len(events) < 5001, len(events)
    assert EVENTS_BYTES_MAX <= size < EVENTS_BYTES_MAX + 5 * EVENT_BYTES_MAX, size
    for i, sub in enumerate(subs):
        await sub.unsubscribe()
        if i % 500 == 0:
            await trace(nc, traces)
    await other.flush()
    _, events = await trace(nc, traces)
    assert len(events) == 1, events
    await other.close()
    await nc.close()


run(main)
