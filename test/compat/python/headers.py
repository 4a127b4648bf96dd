# SPDX-License-Identifier: Apache-2.0
"""Headers travel unchanged, also through a request, with and without a payload."""
from support import connect, run

HEADERS = {"Trace-Id": "a1b2", "Content-Type": "text/plain; charset=utf-8", "Empty": "",
           "Long": "v" * 4000, "With-Colon": "a:b: c"}


async def main():
    nc = await connect()
    sub = await nc.subscribe("headers")
    for payload in (b"", b"payload"):
        await nc.publish("headers", payload, headers=HEADERS)
        msg = await sub.next_msg(timeout=5)
        assert msg.data == payload
        assert msg.headers == HEADERS, msg.headers

    async def answer(msg):
        await msg.respond(msg.headers["Trace-Id"].encode())

    await nc.subscribe("headers.request", cb=answer)
    reply = await nc.request("headers.request", headers={"Trace-Id": "z"}, timeout=5)
    assert reply.data == b"z"
    await nc.close()


run(main)
