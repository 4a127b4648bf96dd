# SPDX-License-Identifier: Apache-2.0
# server: jetstream
"""What is sent as a stream's configuration comes back, an equal one is no error, another one is."""
import json

from nats.js.api import (ConsumerConfig, RePublish, StorageType, StreamConfig,
                         StreamConsumerLimits, SubjectTransform)
from nats.js.errors import BadRequestError, NotFoundError
from support import connect, run

CONFIG = StreamConfig(
    name="S", description="all of it", subjects=["a.>", "b"], max_consumers=10, max_msgs=100,
    max_bytes=1_000_000, max_age=3600, max_msgs_per_subject=50, max_msg_size=1000,
    duplicate_window=60, storage=StorageType.FILE, allow_direct=True, deny_delete=True,
    allow_rollup_hdrs=True, first_seq=10, metadata={"owner": "tests"},
    subject_transform=SubjectTransform(src="a.>", dest="c.>"),
    republish=RePublish(src="c.>", dest="again.>"),
    consumer_limits=StreamConsumerLimits(inactive_threshold=60, max_ack_pending=20))


async def main():
    nc = await connect()
    js = nc.jetstream()
    created = await js.add_stream(CONFIG)
    sent = CONFIG.as_dict()
    reply = json.loads((await nc.request("$JS.API.STREAM.INFO.S")).data)
    for field, value in sent.items():
        if field == "metadata":
            assert reply["config"][field]["owner"] == "tests"
        elif value and field != "num_replicas":
            assert reply["config"].get(field) == value, (field, value, reply["config"].get(field))
    assert created.state.first_seq == 10 and created.state.last_seq == 9

    await js.add_stream(CONFIG)
    try:
        await js.add_stream(CONFIG, max_msgs=5)
        raise AssertionError("the name was taken twice")
    except BadRequestError as e:
        assert e.err_code == 10058, e

    ack = await js.publish("a.x", b"data")
    assert ack.seq == 10
    assert (await js.get_msg("S", 10)).subject == "c.x"
    assert (await js.find_stream_name_by_subject("b")) == "S"
    info = await js.stream_info("S", subjects_filter=">")
    assert info.state.subjects == {"c.x": 1}
    try:
        await js.add_consumer("S", ConsumerConfig(durable_name="C", max_ack_pending=21))
        raise AssertionError("the stream's limit for consumers does not hold")
    except BadRequestError as e:
        assert e.err_code == 10121, e
    await js.delete_stream("S")
    try:
        await js.stream_info("S")
        raise AssertionError("a deleted stream is there")
    except NotFoundError as e:
        assert e.err_code == 10059, e
    await nc.close()


run(main)
