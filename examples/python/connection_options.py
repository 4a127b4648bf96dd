# SPDX-License-Identifier: Apache-2.0
"""Connection options and callbacks.

Run:  python connection_options.py [nats://127.0.0.1:4222]     (or set NATS_URL)

NATS_USER and NATS_PASSWORD log in; NATS_CA names the PEM file of the authority that signed the
server's certificate and turns TLS on. Exits 0 if every callback was called.

Corrected against the snippet this grew from:
- `tls` takes an ssl.SSLContext, not the path of a certificate;
- callbacks are arguments of connect(); assigning nc.disconnected_cb afterwards has no effect;
- `verbose` too is an argument of connect(): nc.options is read only while connecting;
- `nc._subs` is private, `nc.options['verbose']` changes nothing on a live connection.
"""
import asyncio
import os
import ssl
import sys

import nats
from nats.errors import SlowConsumerError

URL = sys.argv[1] if len(sys.argv) > 1 else os.environ.get("NATS_URL", "nats://127.0.0.1:4222")


async def main():
    called = {name: asyncio.Event() for name in ("disconnected", "reconnected", "error", "closed")}
    errors = []

    async def disconnected_cb():
        print("disconnected")
        called["disconnected"].set()

    async def reconnected_cb():
        print(f"reconnected to {nc.connected_url.netloc}")
        called["reconnected"].set()

    async def error_cb(e):
        print(f"error: {e}")
        errors.append(e)
        called["error"].set()

    async def closed_cb():
        print("closed")
        called["closed"].set()

    options = {}
    if "NATS_USER" in os.environ:
        options["user"] = os.environ["NATS_USER"]
        options["password"] = os.environ["NATS_PASSWORD"]
    if "NATS_CA" in os.environ:
        options["tls"] = ssl.create_default_context(cafile=os.environ["NATS_CA"])

    nc = await nats.connect(
        servers=[URL],
        name="connection-options",   # shown by the server's monitoring
        connect_timeout=2,
        reconnect_time_wait=0.1,     # seconds between two attempts
        max_reconnect_attempts=10,   # per server; -1 never gives up
        ping_interval=60,
        max_outstanding_pings=3,
        no_echo=True,                # don't get back what this connection publishes
        disconnected_cb=disconnected_cb,
        reconnected_cb=reconnected_cb,
        error_cb=error_cb,
        closed_cb=closed_cb,
        **options,
    )
    print(f"connected to {nc.connected_url.netloc}, server {nc.connected_server_version}, "
          f"client id {nc.client_id}, max_payload {nc.max_payload}")
    assert nc.is_connected and nc.max_payload > 0 and nc.client_id > 0

    # no_echo: of the two messages only the one from the other connection arrives.
    other = await nats.connect(URL, **options)
    sub = await nc.subscribe("options.echo")
    await nc.flush()
    await nc.publish("options.echo", b"mine")
    await nc.flush()
    await other.publish("options.echo", b"other's")
    assert (await sub.next_msg(timeout=5)).data == b"other's"

    # A subscription whose own buffer is full drops messages and says so through error_cb.
    slow = await nc.subscribe("options.slow", pending_msgs_limit=1)
    await nc.flush()
    for _ in range(3):
        await other.publish("options.slow", b"x")
    await asyncio.wait_for(called["error"].wait(), timeout=5)
    assert isinstance(errors[0], SlowConsumerError), errors
    await slow.unsubscribe()

    # Drop the connection: the client comes back and renews its subscriptions by itself.
    # (Subscribing again in reconnected_cb, as often seen, would deliver everything twice.)
    await nc.force_reconnect()
    await asyncio.wait_for(called["disconnected"].wait(), timeout=5)
    await asyncio.wait_for(called["reconnected"].wait(), timeout=5)
    await nc.flush()
    await other.publish("options.echo", b"after the reconnect")
    assert (await sub.next_msg(timeout=5)).data == b"after the reconnect"

    await other.close()
    await nc.close()
    await asyncio.wait_for(called["closed"].wait(), timeout=5)
    print("connection_options: ok")


asyncio.run(main())
