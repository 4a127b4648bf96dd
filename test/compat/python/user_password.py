# SPDX-License-Identifier: Apache-2.0
# server: user
"""A user with a password gets in, as options or in the URL; a wrong or missing one does not."""
from support import URL, connect, refused, round_trip, run


async def main():
    nc = await connect(user="app", password="s3cret")
    await round_trip(nc)
    await nc.close()
    nc = await connect(URL.replace("nats://", "nats://app:s3cret@"))
    await round_trip(nc)
    await nc.close()
    for wrong in ({"user": "app", "password": "S3cret"}, {"user": "ap", "password": "s3cret"},
                  {"token": "s3cret"}, {}):
        assert "authorization violation" in await refused(**wrong), wrong


run(main)
