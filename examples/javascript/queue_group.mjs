// SPDX-License-Identifier: Apache-2.0

// Queue groups: several workers share the messages of a subject.
//
// Run:  npm ci && node queue_group.mjs [nats://127.0.0.1:4222]     (or set NATS_URL)
//
// Each job goes to exactly one of the workers that named the same queue group. Exits 0 if every
// job was done once and every worker had some.
import assert from "node:assert/strict";
import { connect } from "@nats-io/transport-node";

const servers = process.argv[2] ?? process.env.NATS_URL ?? "nats://127.0.0.1:4222";
const JOBS = 300;

const doneBy = new Map();
let allDone;
const finished = new Promise((resolve) => allDone = resolve);

async function startWorker(id) {
  const nc = await connect({ servers, name: `worker-${id}` });
  nc.subscribe("jobs.process", {
    queue: "workers",
    callback: (err, msg) => {
      if (err) throw err;
      const job = msg.json();
      doneBy.set(job.id, [...(doneBy.get(job.id) ?? []), id]);
      if (doneBy.size === JOBS) allDone();
    },
  });
  await nc.flush();
  return nc;
}

const workers = await Promise.all([1, 2, 3].map(startWorker));
const publisher = await connect({ servers, name: "job-publisher" });
for (let id = 0; id < JOBS; id++) {
  publisher.publish("jobs.process", JSON.stringify({ id }));
}
await publisher.flush();

const deadline = setTimeout(() => {
  console.error(`only ${doneBy.size} of ${JOBS} jobs were done`);
  process.exit(1);
}, 10_000);
await finished;
clearTimeout(deadline);
// A draining worker leaves the group, finishes what it was given, and closes.
await Promise.all(workers.map((nc) => nc.drain()));
await publisher.drain();

const share = { 1: 0, 2: 0, 3: 0 };
for (const [job, who] of doneBy) {
  assert.equal(who.length, 1, `job ${job} was done by ${who}`);
  share[who[0]]++;
}
console.log("jobs per worker:", share);
assert.ok(Object.values(share).every((n) => n > 0));
console.log("queue_group: ok");
