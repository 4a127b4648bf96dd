# SPDX-License-Identifier: Apache-2.0
# server: permissions
"""Forbidden subjects: the error names operation and subject, and the connection stays."""
import asyncio

from support import connect, run


async def main():
    errors = asyncio.Queue()

    async def on_error(e):
        await errors.put(str(e))

    nc = await connect(user="app", password="s3cret", error_cb=on_error)
    allowed = await nc.subscribe("open.door")
    await nc.publish("open.door", b"1")
    assert (await allowed.next_msg(timeout=5)).data == b"1"

    for subject in ("shut.door", "open.closed"):
        await nc.publish(subject, b"x")
        text = (await errors.get()).lower()
        assert f'permissions violation for publish to "{subject}"' in text, text
    await nc.subscribe("shut.>")
    text = (await errors.get()).lower()
    assert 'permissions violation for subscription to "shut.>"' in text, text
    await nc.publish("open.door", b"2")
    assert (await allowed.next_msg(timeout=5)).data == b"2"
    await nc.close()


run(main)
