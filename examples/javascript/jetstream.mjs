// SPDX-License-Identifier: Apache-2.0

// JetStream: a stream keeps messages, publishers get acks, a durable consumer works them off.
//
// Run:  npm ci && node jetstream.mjs [nats://127.0.0.1:4222]     (or set NATS_URL)
//
// Needs a server with JetStream (-js). Uses the stream ORDERS and deletes it. Exits 0 if all went
// as it should, else 1.
import assert from "node:assert/strict";
import {
  AckPolicy, jetstream, JetStreamApiError, jetstreamManager, StorageType,
} from "@nats-io/jetstream";
import { connect, nanos } from "@nats-io/transport-node";

const REPLICAS_NOT_SUPPORTED = 10074;
const servers = process.argv[2] ?? process.env.NATS_URL ?? "nats://127.0.0.1:4222";
const nc = await connect({ servers, name: "jetstream" });
const manager = await jetstreamManager(nc);
const js = jetstream(nc);

const config = {
  name: "ORDERS",
  subjects: ["orders.*"],
  max_age: nanos(7 * 24 * 60 * 60 * 1000),
  storage: StorageType.File,
};
try {
  await manager.streams.add({ ...config, num_replicas: 3 });
  console.log("three replicas: this is a cluster");
} catch (err) {
  assert.ok(err instanceof JetStreamApiError, err);
  assert.equal(err.code, REPLICAS_NOT_SUPPORTED);
  console.log(`three replicas: ${err.message}`);
  await manager.streams.add({ ...config, num_replicas: 1 });
}

for (let id = 1; id <= 25; id++) {
  // The message is on disk when the ack is here.
  const ack = await js.publish("orders.created", JSON.stringify({ id, total: 99.99 }));
  assert.deepEqual([ack.stream, ack.seq], ["ORDERS", id]);
}

// A message id makes a second attempt harmless.
const order = JSON.stringify({ id: 123, total: 99.99 });
const first = await js.publish("orders.created", order, { msgID: "order-123" });
const second = await js.publish("orders.created", order, { msgID: "order-123" });
assert.deepEqual([first.duplicate, second.duplicate], [false, true]);
assert.equal(first.seq, second.seq);

await manager.consumers.add("ORDERS", {
  durable_name: "orders-processor",
  ack_policy: AckPolicy.Explicit,
  max_deliver: 3,
  ack_wait: nanos(30_000),
});
const consumer = await js.consumers.get("ORDERS", "orders-processor");
const messages = await consumer.consume({ max_messages: 10 });
const ids = [];
for await (const msg of messages) {
  ids.push(msg.json().id);
  await msg.ackAck(); // resolves when the server has taken the ack
  if (msg.info.pending === 0) break; // that was the last one
}
await messages.close();
assert.deepEqual(ids, [...Array(25).keys()].map((i) => i + 1).concat(123));
const info = await consumer.info();
assert.deepEqual([info.num_pending, info.num_ack_pending], [0, 0]);
console.log(`processed ${ids.length} orders`);

await manager.streams.delete("ORDERS");
await nc.drain();
console.log("jetstream: ok");
