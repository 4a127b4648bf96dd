# SPDX-License-Identifier: Apache-2.0
# server: tls_verify
"""With `verify` a client without a certificate of the authority stays outside."""
from support import CERTS, connect, refused, round_trip, run, trust


async def main():
    ours = trust()
    ours.load_cert_chain(f"{CERTS}/client.pem", f"{CERTS}/client-key.pem")
    nc = await connect(tls=ours)
    await round_trip(nc)
    await nc.close()
    await refused(tls=trust())


run(main)
