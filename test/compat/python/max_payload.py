# SPDX-License-Identifier: Apache-2.0
"""A message of max_payload arrives whole; one byte more closes the connection, nobody else's."""
import asyncio
import os
import urllib.parse

from support import URL, connect, run


async def too_large(size):
    """What the server says to a client that publishes `size` bytes, until it closes."""
    where = urllib.parse.urlsplit(URL)
    reader, writer = await asyncio.open_connection(where.hostname, where.port)
    await reader.readline()
    writer.write(b'CONNECT {"verbose":false}\r\nPUB limit %d\r\n' % size)
    said = await reader.read()
    writer.close()
    return said


async def main():
    nc = await connect()
    sub = await nc.subscribe("limit")
    limit = nc.max_payload
    for size in (limit - 1, limit):
        data = os.urandom(size)
        await nc.publish("limit", data)
        assert (await sub.next_msg(timeout=10)).data == data
    said = await too_large(limit + 1)
    assert said == b"-ERR 'Maximum Payload Violation'\r\n", said
    await nc.publish("limit", b"still here")
    assert (await sub.next_msg(timeout=5)).data == b"still here"
    await nc.close()


run(main)
