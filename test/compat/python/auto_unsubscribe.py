# SPDX-License-Identifier: Apache-2.0
"""The server itself ends a subscription after its maximum: a plain reader sees not one more."""
import asyncio
import urllib.parse

from support import URL, connect, run


async def raw_subscriber(maximum):
    """Subscribes without a client library, which would hide what the server sends too much."""
    where = urllib.parse.urlsplit(URL)
    reader, writer = await asyncio.open_connection(where.hostname, where.port)
    await reader.readline()
    writer.write(b'CONNECT {"verbose":false}\r\nSUB max.test 7\r\nUNSUB 7 %d\r\nPING\r\n' % maximum)
    while await reader.readline() != b"PONG\r\n":
        pass
    return reader, writer


async def main():
    reader, writer = await raw_subscriber(3)
    nc = await connect()
    for i in range(10):
        await nc.publish("max.test", b"%d" % i)
    await nc.flush()
    writer.write(b"PING\r\n")
    got = []
    while (line := await reader.readline()) != b"PONG\r\n":
        got.append(line)
    writer.close()
    assert got == [b"MSG max.test 7 1\r\n", b"0\r\n", b"MSG max.test 7 1\r\n", b"1\r\n",
                   b"MSG max.test 7 1\r\n", b"2\r\n"], got

    sub = await nc.subscribe("max.lib")
    await sub.unsubscribe(limit=2)
    for i in range(5):
        await nc.publish("max.lib", b"%d" % i)
    await nc.flush()
    seen = [m.data async for m in sub.messages]
    assert seen == [b"0", b"1"], seen
    await nc.close()


run(main)
