# SPDX-License-Identifier: Apache-2.0
# server: jetstream
"""A bucket of a thousand keys: watchers, keys, history, purge; writers that race for a key."""
import asyncio

from nats.js.errors import KeyWrongLastSequenceError
from support import connect, run

KEYS = 1000


async def increment(nc, rounds):
    """Adds to a counter by compare and set."""
    kv = await nc.jetstream().key_value("B")
    for _ in range(rounds):
        while True:
            entry = await kv.get("counter")
            try:
                await kv.update("counter", b"%d" % (int(entry.value) + 1), entry.revision)
                break
            except KeyWrongLastSequenceError:
                pass


async def main():
    nc = await connect()
    js = nc.jetstream()
    kv = await js.create_key_value(bucket="B", history=3)
    for i in range(KEYS):
        await kv.put(f"k.{i}", b"%d" % i)
    assert len(await kv.keys()) == KEYS

    watcher = await kv.watchall()
    seen = {}
    while (entry := await watcher.updates(timeout=10)) is not None:
        seen[entry.key] = entry.delta
    assert len(seen) == KEYS and seen[f"k.{KEYS - 1}"] == 0
    await kv.delete("k.0")
    await kv.purge("k.1")
    assert [(await watcher.updates(timeout=10)).operation for _ in range(2)] == ["DEL", "PURGE"]
    await watcher.stop()
    assert len(await kv.keys()) == KEYS - 2
    assert len(await kv.history("k.0")) == 2 and len(await kv.history("k.1")) == 1

    for value in b"12345":
        await kv.put("k.2", b"%c" % value)
    assert [e.value for e in await kv.history("k.2")] == [b"3", b"4", b"5"]

    await kv.create("counter", b"0")
    writers = [await connect() for _ in range(4)]
    await asyncio.gather(*(increment(w, 25) for w in writers))
    assert (await kv.get("counter")).value == b"100"
    for writer in writers:
        await writer.close()
    await kv.purge_deletes(olderthan=0)
    status = await kv.status()
    assert status.values == KEYS - 2 + 2 + 3, status    # k.2 has 3, counter 3
    await js.delete_key_value("B")
    await nc.close()


run(main)
