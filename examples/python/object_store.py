# SPDX-License-Identifier: Apache-2.0
"""Object store: files of any size, stored in chunks and checked by their digest.

Run:  pip install -r requirements.txt
      python object_store.py [nats://127.0.0.1:4222]     (or set NATS_URL)

Needs a server with JetStream (`-js`). Uses the bucket `files` and deletes it. Exits 0 if all went
as it should, else 1.

Corrected against the snippet this grew from: list() gives a list, not an iterator to await; the
object is streamed into the file instead of being held in memory.
"""
import asyncio
import os
import pathlib
import sys
import tempfile

import nats
import nats.js.errors

URL = sys.argv[1] if len(sys.argv) > 1 else os.environ.get("NATS_URL", "nats://127.0.0.1:4222")
SIZE = 5_000_000


async def main():
    nc = await nats.connect(URL, name="object-store")
    js = nc.jetstream()
    store = await js.create_object_store(bucket="files")

    with tempfile.TemporaryDirectory() as folder:
        source = pathlib.Path(folder, "large_file.bin")
        source.write_bytes(os.urandom(SIZE))
        with open(source, "rb") as f:
            await store.put("large_file.bin", f)
        await store.put("note.txt", b"a few words")

        copy = pathlib.Path(folder, "downloaded_file.bin")
        with open(copy, "wb") as f:
            await store.get("large_file.bin", writeinto=f)
        assert copy.read_bytes() == source.read_bytes(), "the copy differs"

    result = await store.get("note.txt")
    assert result.data == b"a few words"

    for info in await store.list():
        print(f"object: {info.name}, size: {info.size}")
    sizes = {info.name: info.size for info in await store.list()}
    assert sizes == {"large_file.bin": SIZE, "note.txt": 11}, sizes

    await store.delete("note.txt")
    try:
        await store.get_info("note.txt")
        raise AssertionError("a deleted object is there")
    except nats.js.errors.ObjectNotFoundError:
        pass

    await js.delete_object_store("files")
    await nc.drain()
    print("object_store: ok")


asyncio.run(main())
