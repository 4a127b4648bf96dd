# SPDX-License-Identifier: Apache-2.0
# server: jetstream
"""Objects: empty, of one chunk, of many; replaced, described, watched, deleted, sealed."""
import os

from nats.js.api import ObjectMeta
from nats.js.errors import ObjectNotFoundError
from support import connect, run

CHUNK = 128 * 1024


async def main():
    nc = await connect()
    js = nc.jetstream()
    store = await js.create_object_store("O")
    for size in (0, 1, CHUNK, CHUNK + 1, 20 * CHUNK):
        data = os.urandom(size)
        info = await store.put(f"of {size}", data)
        assert info.size == size and info.chunks == -(-size // CHUNK), info
        assert (await store.get(f"of {size}")).data == data

    # A new version takes the old one's chunks away.
    await store.put("of 1", b"short", meta=ObjectMeta(description="replaced"))
    assert (await store.get("of 1")).data == b"short"
    assert (await store.get_info("of 1")).description == "replaced"
    stream = await js.stream_info("OBJ_O", subjects_filter="$O.O.C.>")
    assert sum(stream.state.subjects.values()) == 1 + 1 + 2 + 20, stream.state.subjects

    watcher = await store.watch()
    names = []
    while (info := await watcher.updates(timeout=10)) is not None:
        names.append(info.name)
    assert len(names) == 5
    await store.delete("of 1")
    assert (await watcher.updates(timeout=10)).deleted
    await watcher.stop()
    try:
        await store.get("of 1")
        raise AssertionError("a deleted object is there")
    except ObjectNotFoundError:
        pass
    await store.seal()
    assert (await store.status()).sealed
    await js.delete_object_store("O")
    await nc.close()


run(main)
