# SPDX-License-Identifier: Apache-2.0
"""Queue groups: several workers share the messages of a subject.

Run:  python queue_group.py [nats://127.0.0.1:4222]     (or set NATS_URL)

Each job goes to exactly one of the workers that named the same queue group. Exits 0 if every job
was done once and every worker had some.

Corrected against the snippet this grew from: jobs were published after workers that never
returned, the publisher closed without a flush, and a sleep stood for the work.
"""
import asyncio
import json
import os
import sys

import nats

URL = sys.argv[1] if len(sys.argv) > 1 else os.environ.get("NATS_URL", "nats://127.0.0.1:4222")
JOBS = 300


async def worker(worker_id, done_by, all_done):
    nc = await nats.connect(URL, name=f"worker-{worker_id}")

    async def process_job(msg):
        job = json.loads(msg.data)
        done_by.setdefault(job["id"], []).append(worker_id)
        if len(done_by) == JOBS:
            all_done.set()

    await nc.subscribe("jobs.process", queue="workers", cb=process_job)
    await nc.flush()
    return nc


async def main():
    done_by = {}
    all_done = asyncio.Event()
    workers = [await worker(i, done_by, all_done) for i in (1, 2, 3)]

    publisher = await nats.connect(URL, name="job-publisher")
    for job_id in range(JOBS):
        await publisher.publish("jobs.process", json.dumps({"id": job_id}).encode())
    await publisher.flush()

    await asyncio.wait_for(all_done.wait(), timeout=10)
    # A draining worker leaves the group, finishes what it was given, and closes.
    for nc in workers:
        await nc.drain()
    await publisher.drain()

    twice = {job: who for job, who in done_by.items() if len(who) != 1}
    assert not twice, f"done more than once: {twice}"
    share = {i: sum(who == [i] for who in done_by.values()) for i in (1, 2, 3)}
    print(f"jobs per worker: {share}")
    assert all(share.values()), share
    print("queue_group: ok")


asyncio.run(main())
