# SPDX-License-Identifier: Apache-2.0
"""Key-value store: put, get, update, delete, history, time to live, and watching for changes.

Run:  pip install -r requirements.txt
      python key_value.py [nats://127.0.0.1:4222]     (or set NATS_URL)

Needs a server with JetStream (`-js`). Uses the bucket `config` and deletes it. Exits 0 if all went
as it should, else 1.

Corrected against the snippet this grew from: its loop over the watcher never ended, and did not
expect the None that says that all values that were there have been seen.
"""
import asyncio
import os
import sys

import nats
import nats.js.errors

URL = sys.argv[1] if len(sys.argv) > 1 else os.environ.get("NATS_URL", "nats://127.0.0.1:4222")


async def watch(kv):
    """What is there first, then what changes."""
    watcher = await kv.watch("api.*")
    seen = []
    while (entry := await watcher.updates(timeout=10)) is not None:
        seen.append((entry.key, entry.value.decode()))
    assert sorted(seen) == [("api.retries", "3"), ("api.timeout", "30")], seen
    await kv.put("api.timeout", b"60")
    entry = await watcher.updates(timeout=10)
    print(f"key {entry.key} changed to {entry.value.decode()}")
    assert (entry.key, entry.value) == ("api.timeout", b"60")
    await watcher.stop()


async def history(kv):
    revision = await kv.put("colour", b"red")
    revision = await kv.update("colour", b"green", last=revision)
    try:
        await kv.update("colour", b"blue", last=revision - 1)
        raise AssertionError("an update of an old revision was taken")
    except nats.js.errors.KeyWrongLastSequenceError as e:
        print(f"somebody else was faster: {e.description}")
    await kv.delete("colour")
    try:
        await kv.get("colour")
        raise AssertionError("a deleted key is there")
    except nats.js.errors.KeyNotFoundError:
        pass
    entries = [(e.operation, e.value) for e in await kv.history("colour")]
    assert entries == [(None, b"red"), (None, b"green"), ("DEL", b"")], entries


async def expire(js):
    """Entries of a bucket with a time to live go by themselves."""
    kv = await js.create_key_value(bucket="short", ttl=1)
    await kv.put("key", b"value")
    deadline = asyncio.get_running_loop().time() + 10
    while True:
        try:
            await kv.get("key")
        except nats.js.errors.KeyNotFoundError:
            break
        assert asyncio.get_running_loop().time() < deadline, "the entry does not expire"
        await asyncio.sleep(0.1)
    await js.delete_key_value("short")
    print("the entry has expired")


async def main():
    nc = await nats.connect(URL, name="key-value")
    js = nc.jetstream()

    kv = await js.create_key_value(bucket="config", history=5, ttl=3600)
    await kv.put("api.timeout", b"30")
    await kv.put("api.retries", b"3")
    entry = await kv.get("api.timeout")
    print(f"timeout: {entry.value.decode()}")
    assert entry.value == b"30" and entry.revision == 1, entry

    await watch(kv)
    await history(kv)
    assert sorted(await kv.keys()) == ["api.retries", "api.timeout"]
    status = await kv.status()
    assert (status.history, status.ttl) == (5, 3600), status
    await expire(js)

    await js.delete_key_value("config")
    await nc.drain()
    print("key_value: ok")


asyncio.run(main())
