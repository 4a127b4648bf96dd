// SPDX-License-Identifier: Apache-2.0

// Reconnection between several independent servers.
//
// Run:  npm ci && node reconnect.mjs nats://127.0.0.1:4222 nats://127.0.0.1:4223 [...]
//       (or NATS_URL with commas), and stop the server that it names.
//
// The connection moves to another server of its list and takes its subscriptions along. Exits 0
// if they work there. Independent servers know nothing of each other: two clients meet only
// while they are connected to the same one.
import assert from "node:assert/strict";
import { connect } from "@nats-io/transport-node";

const servers = process.argv.length > 2
  ? process.argv.slice(2)
  : (process.env.NATS_URL ?? "nats://127.0.0.1:4222,nats://127.0.0.1:4223").split(",");

const nc = await connect({
  servers,
  reconnectTimeWait: 100,
  maxReconnectAttempts: -1, // never give up
});
const status = nc.status()[Symbol.asyncIterator]();
async function next(type) {
  for (;;) {
    const { value, done } = await status.next();
    assert.ok(!done, "the connection ended");
    console.log("event:", value.type);
    if (value.type === type) return;
  }
}
const giveUp = setTimeout(() => {
  console.error("the server was not stopped, or no other one answers");
  process.exit(1);
}, 60_000);

const messages = nc.subscribe("reconnect.test")[Symbol.asyncIterator]();
const received = async () => (await messages.next()).value.string();
nc.publish("reconnect.test", "before");
assert.equal(await received(), "before");

const first = nc.getServer();
console.log(`connected to ${first}: stop that server now`);
await next("disconnect");
// Other clients keep what is published while there is no server; this one drops it whenever it
// dials, so wait for the reconnect (or use request(), whose failure you see).
await next("reconnect");
assert.notEqual(nc.getServer(), first);
nc.publish("reconnect.test", "after");
assert.equal(await received(), "after");
clearTimeout(giveUp);

await nc.drain();
console.log("reconnect: ok");
