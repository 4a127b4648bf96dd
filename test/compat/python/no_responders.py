# SPDX-License-Identifier: Apache-2.0
"""A request without a service fails at once; one whose service is silent times out."""
import time

import nats
from nats.errors import NoRespondersError
from support import connect, run


async def main():
    nc = await connect()
    begin = time.monotonic()
    try:
        await nc.request("nobody.there", b"", timeout=30)
        raise AssertionError("answered")
    except NoRespondersError:
        assert time.monotonic() - begin < 10

    # As soon as there is a subscription there is no 503 any more, even if it never answers.
    silent = await nc.subscribe("nobody.there")
    try:
        await nc.request("nobody.there", b"", timeout=0.2)
        raise AssertionError("answered")
    except nats.errors.TimeoutError:
        pass
    await silent.unsubscribe()
    await nc.flush()
    try:
        await nc.request("nobody.there", b"", timeout=30)
        raise AssertionError("answered")
    except NoRespondersError:
        pass
    await nc.close()


run(main)
