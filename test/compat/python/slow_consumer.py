# SPDX-License-Identifier: Apache-2.0
# server: slow_consumer
"""A subscriber that stops reading is disconnected and counted; the others get everything."""
import asyncio
import json
import os
import socket
import urllib.parse
import urllib.request

from support import URL, connect, run

COUNT, SIZE = 600, 64 * 1024     # more than socket buffers and max_pending hold together


def stuck_subscriber():
    where = urllib.parse.urlsplit(URL)
    s = socket.socket()
    s.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    s.connect((where.hostname, where.port))
    s.settimeout(10)
    s.sendall(b'CONNECT {"verbose":false,"name":"stuck"}\r\nSUB flood 1\r\nPING\r\n')
    said = b""
    while b"PONG\r\n" not in said:
        said += s.recv(4096)
    return s


def varz():
    with urllib.request.urlopen(os.environ["MONITOR_URL"] + "/varz", timeout=10) as f:
        return json.load(f)


async def main():
    stuck = await asyncio.to_thread(stuck_subscriber)
    reader = await connect()
    got = 0
    finished = asyncio.Event()

    async def on_message(msg):
        nonlocal got
        got += 1
        if got == COUNT:
            finished.set()

    await reader.subscribe("flood", cb=on_message)
    await reader.flush()
    publisher = await connect()
    for i in range(COUNT):
        await publisher.publish("flood", b"x" * SIZE)
        if i % 8 == 0:
            await publisher.flush()
    await publisher.flush(timeout=30)
    await asyncio.wait_for(finished.wait(), 30)

    while True:
        state = await asyncio.to_thread(varz)
        if state["slow_consumers"] >= 1 and state["connections"] == 2:
            break
        await asyncio.sleep(0.05)
    stuck.close()
    await reader.close()
    await publisher.close()


run(main)
