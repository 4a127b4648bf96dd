# SPDX-License-Identifier: Apache-2.0
"""What the Python tests share: where the server is, and an entry with a deadline."""
import asyncio
import os
import ssl

import nats

URL = os.environ["NATS_URL"]
CERTS = os.environ["CERTS"]


def trust():
    """A TLS context that trusts the test's authority and checks the server's name."""
    return ssl.create_default_context(cafile=f"{CERTS}/ca.pem")


def connect(url=URL, **options):
    """A connection that gives up instead of reconnecting, so that a failure shows at once."""
    return nats.connect(url, **{"allow_reconnect": False, "connect_timeout": 5,
                                 "max_reconnect_attempts": 1, "reconnect_time_wait": 0.1,
                                 **options})


async def round_trip(nc):
    """Fails unless a message published by `nc` comes back to it."""
    sub = await nc.subscribe("round.trip")
    await nc.publish("round.trip", b"there and back")
    assert (await sub.next_msg(timeout=5)).data == b"there and back"
    await sub.unsubscribe()


async def refused(**options):
    """The text with which the server refuses a connection; fails if it accepts it."""
    errors = []

    async def on_error(e):
        errors.append(str(e))

    try:
        nc = await connect(error_cb=on_error, **options)
    except Exception as e:
        return " ".join([*errors, str(e)]).lower()
    await nc.close()
    raise AssertionError(f"the server accepted {options}")


def run(main, seconds=60):
    asyncio.run(asyncio.wait_for(main(), seconds))
