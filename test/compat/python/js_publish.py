# SPDX-License-Identifier: Apache-2.0
# server: jetstream
"""Publishing with many acks outstanding: each message is stored once, in order."""
import asyncio

from nats.js.errors import APIError, NoStreamResponseError
from support import connect, run

COUNT = 5000


async def main():
    nc = await connect()
    js = nc.jetstream(publish_async_max_pending=500)
    await js.add_stream(name="S", subjects=["s.*"])
    futures = [await js.publish_async(f"s.{i % 7}", b"%d" % i) for i in range(COUNT)]
    acks = [await f for f in futures]
    assert [a.seq for a in acks] == list(range(1, COUNT + 1))

    # The same ids from two connections at once: one of each pair is a duplicate.
    other = await connect()
    other_js = other.jetstream()
    pairs = [[c.publish("s.id", b"x", headers={"Nats-Msg-Id": f"id{i}"})
              for c in (js, other_js)] for i in range(100)]
    for pair in pairs:
        first, second = await asyncio.gather(*pair)
        assert first.seq == second.seq and bool(first.duplicate) != bool(second.duplicate)
    info = await js.stream_info("S")
    assert info.state.messages == COUNT + 100, info.state

    expect = {"Nats-Expected-Last-Sequence": "1"}
    try:
        await js.publish("s.x", b"", headers=expect)
        raise AssertionError("a wrong expectation was met")
    except APIError as e:
        assert e.err_code == 10071 and str(COUNT + 100) in e.description, e
    try:
        await js.publish("nowhere", b"")
        raise AssertionError("an ack without a stream")
    except NoStreamResponseError:
        pass
    await other.close()
    await nc.close()


run(main)
