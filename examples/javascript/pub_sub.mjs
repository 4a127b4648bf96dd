// SPDX-License-Identifier: Apache-2.0

// Publish and subscribe: every subscriber of a subject gets every message.
//
// Run:  npm ci && node pub_sub.mjs [nats://127.0.0.1:4222]     (or set NATS_URL)
//
// One service announces orders; two subscriptions listen, one to a single subject, one to all
// subjects below "orders". Exits 0 if both saw what they should, else 1.
import assert from "node:assert/strict";
import { connect } from "@nats-io/transport-node";

const servers = process.argv[2] ?? process.env.NATS_URL ?? "nats://127.0.0.1:4222";
const subscriber = await connect({ servers, name: "pub-sub-subscriber" });
const publisher = await connect({ servers, name: "pub-sub-publisher" });

// A subscription is an async iterator (or takes a callback); `max` ends it after so many.
const created = subscriber.subscribe("orders.created", { max: 3 });
// "*" stands for one token, ">" for one or more at the end.
const everything = subscriber.subscribe("orders.>", { max: 4 });
// flush() resolves when the server has answered a PING, so it has seen both subscriptions.
await subscriber.flush();

for (const id of [1, 2, 3]) {
  publisher.publish("orders.created", JSON.stringify({ id, total: 99.99, status: "created" }));
}
publisher.publish("orders.created.eu", "{}");

const ids = [];
for await (const msg of created) {
  const order = msg.json();
  console.log(`on ${msg.subject}: order ${order.id}`);
  ids.push(order.id);
}
const subjects = [];
for await (const msg of everything) {
  subjects.push(msg.subject);
}
// drain() sends what is buffered and handles what was received, then closes.
await publisher.drain();
await subscriber.drain();

assert.deepEqual(ids, [1, 2, 3]);
assert.deepEqual(subjects, [...Array(3).fill("orders.created"), "orders.created.eu"]);
console.log("pub_sub: ok");
