# SPDX-License-Identifier: Apache-2.0
"""A server that stops: its clients' disconnected and closed callbacks are called."""
import asyncio
import os
import signal

from support import connect, run


async def main():
    disconnected = asyncio.Event()
    closed = asyncio.Event()

    async def on_disconnected():
        disconnected.set()

    async def on_closed():
        closed.set()

    nc = await connect(disconnected_cb=on_disconnected, closed_cb=on_closed)
    other = await connect()
    await nc.flush()
    os.kill(int(os.environ["SERVER_PID"]), signal.SIGTERM)
    await disconnected.wait()
    await closed.wait()
    assert nc.is_closed
    while not other.is_closed:
        await asyncio.sleep(0.01)


run(main)
