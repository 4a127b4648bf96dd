# SPDX-License-Identifier: Apache-2.0
# server: tls
"""TLS after INFO; the certificate is checked; a client that doesn't want TLS is refused."""
import ssl

import nats
from support import connect, round_trip, run, trust


async def main():
    nc = await connect(tls=trust())
    await round_trip(nc)
    await nc.publish("large", b"x" * nc.max_payload)    # many TLS records
    await nc.flush()
    await nc.close()

    for version in (ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3):
        only = trust()
        only.minimum_version = only.maximum_version = version
        nc = await connect(tls=only)
        await round_trip(nc)
        await nc.close()

    try:
        nc = await connect(tls=ssl.create_default_context())
        raise AssertionError("a certificate of an unknown authority was accepted")
    except (ssl.SSLError, nats.errors.NoServersError):
        pass


run(main)
