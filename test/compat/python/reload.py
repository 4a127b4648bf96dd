# SPDX-License-Identifier: Apache-2.0
# server: users
"""SIGHUP: a user whose password has changed is disconnected, another one notices nothing."""
import asyncio
import os
import pathlib
import signal

from support import connect, refused, round_trip, run

CONF = pathlib.Path(os.environ["SERVER_CONF"])
LOG = pathlib.Path(os.environ["SERVER_LOG"])


def reload(text):
    """Replaces the file as a whole: the server may still be reading the last one."""
    new = CONF.with_suffix(".new")
    new.write_text(text)
    new.replace(CONF)
    os.kill(int(os.environ["SERVER_PID"]), signal.SIGHUP)


async def main():
    closed = asyncio.Event()

    async def on_closed():
        closed.set()

    stays = await connect(user="stays", password="one")
    goes = await connect(user="goes", password="two", closed_cb=on_closed)
    before = CONF.read_text()

    # A file that does not parse changes nothing.
    reload(before + "\nauthorization {")
    while "Failed to reload server configuration" not in LOG.read_text():
        await asyncio.sleep(0.02)
    await round_trip(goes)

    reload(before.replace("password: two", "password: three"))
    await closed.wait()
    await round_trip(stays)
    assert "authorization violation" in await refused(user="goes", password="two")
    nc = await connect(user="goes", password="three")
    await round_trip(nc)
    await nc.close()
    await stays.close()


run(main)
