// SPDX-License-Identifier: Apache-2.0
// server: jetstream

// Consumers: consume, fetch, next, ordered and push; an ordered one survives its own deletion.
import assert from "node:assert/strict";
import { AckPolicy, DeliverPolicy, jetstream, jetstreamManager } from "@nats-io/jetstream";
import { connect, done } from "./support.mjs";

const COUNT = 1000;
const nc = await connect();
const jsm = await jetstreamManager(nc);
const js = jetstream(nc);
await jsm.streams.add({ name: "S", subjects: ["s.*"] });
const acks = await Promise.all(
  Array.from({ length: COUNT }, (_, i) => js.publish(`s.${i % 5}`, String(i))));
assert.deepEqual(acks.map((a) => a.seq), acks.map((_, i) => i + 1));

// A durable one, worked off by two clients.
await jsm.consumers.add("S", { durable_name: "C", ack_policy: AckPolicy.Explicit });
const seen = new Set();
const stops = [];
await Promise.all([0, 1].map(async () => {
  const own = await connect();
  const consumer = await jetstream(own).consumers.get("S", "C");
  const messages = await consumer.consume({ max_messages: 50 });
  stops.push(() => messages.stop());
  for await (const msg of messages) {
    seen.add(Number(msg.string()));
    assert.equal(await msg.ackAck(), true);
    if (seen.size === COUNT) stops.forEach((stop) => stop());
  }
  await own.close();
}));
assert.equal(seen.size, COUNT);
const info = await jsm.consumers.info("S", "C");
assert.deepEqual([info.ack_floor.stream_seq, info.num_ack_pending], [COUNT, 0]);

// An ordered one of two subjects.
const ordered = await js.consumers.get("S", { filter_subjects: ["s.1", "s.2"] });
let last = 0;
let count = 0;
const iterator = await ordered.consume({ max_messages: 20, idle_heartbeat: 500, expires: 1000 });
for await (const msg of iterator) {
  assert.ok(msg.seq > last);
  last = msg.seq;
  count++;
  if (count === 50) {
    for await (const c of jsm.consumers.list("S")) {
      if (!c.config.durable_name) await jsm.consumers.delete("S", c.name);
    }
  }
  if (count === 2 * COUNT / 5) break;
}

// Fetch ends with what there is; next gives null.
const fetched = await js.consumers.get("S", "C");
await js.publish("s.x", "late");
const batch = [];
for await (const msg of await fetched.fetch({ max_messages: 5, expires: 1000 })) {
  batch.push(msg.string());
  msg.ack();
}
assert.deepEqual(batch, ["late"]);
assert.equal(await fetched.next({ expires: 1000 }), null);

// A push consumer.
await jsm.consumers.add("S", {
  durable_name: "P", deliver_subject: "push.here", deliver_policy: DeliverPolicy.LastPerSubject,
  filter_subject: "s.*", ack_policy: AckPolicy.None, flow_control: true, idle_heartbeat: 1e9,
});
const push = await js.consumers.getPushConsumer("S", "P");
const subjects = [];
for await (const msg of await push.consume()) {
  subjects.push(msg.subject);
  if (msg.info.pending === 0) break;
}
assert.deepEqual(subjects.sort(), ["s.0", "s.1", "s.2", "s.3", "s.4", "s.x"]);
await nc.close();
done();
