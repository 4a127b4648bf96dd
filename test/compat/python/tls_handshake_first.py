# SPDX-License-Identifier: Apache-2.0
# server: tls_first
"""handshake_first: the TLS handshake comes before INFO, and only so."""
from support import connect, refused, round_trip, run, trust


async def main():
    nc = await connect(tls=trust(), tls_handshake_first=True)
    await round_trip(nc)
    await nc.close()
    # Waiting for an INFO that comes only inside TLS.
    await refused(tls=trust(), connect_timeout=1)


run(main)
