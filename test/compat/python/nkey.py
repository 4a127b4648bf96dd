# SPDX-License-Identifier: Apache-2.0
# server: nkey
"""An nkey user signs the server's nonce; another key, or no signature, does not get in."""
from support import connect, refused, round_trip, run

# Made for this test; its public half stands in conf/nkey.conf.
SEED = "SUAD55FHOBFZXNPZZ26H2KKU5AWQ54T6RSDFZYPQ57WCHJSUJHZOS3O2YE"
OTHER = "SUAGME4M3MTIIOQWFN6Z4RLTZUFHV4P222BBQ6GIW4T2CYMJZ5PTIQKZ74"


async def main():
    nc = await connect(nkeys_seed_str=SEED)
    await round_trip(nc)
    await nc.close()
    assert "authorization violation" in await refused(nkeys_seed_str=OTHER)
    assert "authorization violation" in await refused(user="app", password="s3cret")


run(main)
