# SPDX-License-Identifier: Apache-2.0
# server: lame_duck
"""SIGUSR2: clients are told of the lame duck mode, go on working, and no new one gets in."""
import asyncio
import os
import signal

from support import connect, round_trip, run


async def main():
    told = asyncio.Event()

    async def on_lame_duck():
        told.set()

    nc = await connect(lame_duck_mode_cb=on_lame_duck)
    os.kill(int(os.environ["SERVER_PID"]), signal.SIGUSR2)
    await told.wait()
    await round_trip(nc)
    try:
        late = await connect(connect_timeout=2)
    except Exception:
        pass
    else:
        await late.close()
        raise AssertionError("a lame duck took a new client")
    await nc.close()


run(main)
