// SPDX-License-Identifier: Apache-2.0

// A member of a queue group that drains under load loses nothing of what it was given.
import assert from "node:assert/strict";
import { connect, done } from "./support.mjs";

const COUNT = 20_000;
const times = Array(COUNT).fill(0);
let total = 0;
let allDone;
const finished = new Promise((resolve) => allDone = resolve);
const members = [];
for (let i = 0; i < 3; i++) {
  const nc = await connect();
  nc.subscribe("work", {
    queue: "group",
    callback: (err, msg) => {
      assert.ifError(err);
      times[Number(msg.string())]++;
      if (++total === COUNT) allDone();
    },
  });
  await nc.flush();
  members.push(nc);
}
const publisher = await connect();
const drains = [];
for (let i = 0; i < COUNT; i++) {
  publisher.publish("work", String(i));
  if (i % 1000 === 0) await publisher.flush();
  if (i === COUNT / 4 || i === COUNT / 2) drains.push(members[drains.length].drain());
}
await publisher.flush();
await Promise.all(drains);
await finished;
assert.ok(times.every((n) => n === 1));
await members[2].close();
await publisher.close();
done();
