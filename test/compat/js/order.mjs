// SPDX-License-Identifier: Apache-2.0

// Two publishers of 10,000 messages each: a subscriber sees each publisher's in order.
import assert from "node:assert/strict";
import { connect, done } from "./support.mjs";

const COUNT = 10_000;
const subscriber = await connect();
const sub = subscriber.subscribe("order.*", { max: 2 * COUNT });
await subscriber.flush();

async function publish(name) {
  const nc = await connect();
  for (let i = 0; i < COUNT; i++) nc.publish(`order.${name}`, String(i));
  await nc.flush();
  await nc.close();
}
const publishing = Promise.all(["a", "b"].map(publish));
const next = { "order.a": 0, "order.b": 0 };
for await (const msg of sub) {
  assert.equal(Number(msg.string()), next[msg.subject]++, msg.subject);
}
await publishing;
assert.deepEqual(next, { "order.a": COUNT, "order.b": COUNT });
await subscriber.close();
done();
