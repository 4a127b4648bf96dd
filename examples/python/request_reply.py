# SPDX-License-Identifier: Apache-2.0
"""Request and reply: ask a service, wait for its answer.

Run:  python request_reply.py [nats://127.0.0.1:4222]     (or set NATS_URL)

Exits 0 if the answers are right, and if a request that nobody serves fails at once.

Corrected against the snippet this grew from: service and client ran one after the other, so the
service had gone (or never returned from its sleep) when the client asked; and `msg.respond()` is
the call for answering, which refuses a message that carries no reply subject.
"""
import asyncio
import json
import os
import sys

import nats
from nats.errors import NoRespondersError

URL = sys.argv[1] if len(sys.argv) > 1 else os.environ.get("NATS_URL", "nats://127.0.0.1:4222")

USERS = {123: {"id": 123, "name": "Ada"}, 124: {"id": 124, "name": "Grace"}}


async def serve(nc):
    async def on_request(msg):
        wanted = json.loads(msg.data)["user_id"]
        await msg.respond(json.dumps(USERS.get(wanted, {"error": "no such user"})).encode())

    await nc.subscribe("user.get", cb=on_request)
    await nc.flush()


async def ask(nc, user_id):
    reply = await nc.request("user.get", json.dumps({"user_id": user_id}).encode(), timeout=2.0)
    return json.loads(reply.data)


async def main():
    service = await nats.connect(URL, name="request-reply-service")
    client = await nats.connect(URL, name="request-reply-client")
    await serve(service)

    user = await ask(client, 123)
    print(f"user: {user}")
    assert user == USERS[123], user
    assert await ask(client, 7) == {"error": "no such user"}

    # Many requests may be in flight: each reply finds its own request.
    many = await asyncio.gather(*(ask(client, 123 + i % 2) for i in range(50)))
    assert many == [USERS[123 + i % 2] for i in range(50)]

    # Nobody listens there: the server says so, and the client need not wait for its timeout.
    try:
        await client.request("user.delete", b"", timeout=30)
        raise AssertionError("a request without a service was answered")
    except NoRespondersError:
        print("user.delete: no responders, as expected")

    await client.drain()
    await service.drain()
    print("request_reply: ok")


asyncio.run(main())
