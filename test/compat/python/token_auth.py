# SPDX-License-Identifier: Apache-2.0
# server: token
"""A token gets in, as an option or in the URL; a wrong or missing one does not."""
from support import URL, connect, refused, round_trip, run


async def main():
    for nc in (await connect(token="t0ken"),
               await connect(URL.replace("nats://", "nats://t0ken@"))):
        await round_trip(nc)
        await nc.close()
    for wrong in ({"token": "t0keN"}, {"token": "t0ken "}, {}):
        assert "authorization violation" in await refused(**wrong), wrong


run(main)
