// SPDX-License-Identifier: Apache-2.0

// Connection options and events.
//
// Run:  npm ci && node connection_options.mjs [nats://127.0.0.1:4222]     (or set NATS_URL)
//
// NATS_USER and NATS_PASSWORD log in; NATS_CA names the PEM file of the authority that signed
// the server's certificate and turns TLS on. Exits 0 if every event was seen.
//
// Where other clients take callbacks, this one has an async iterator, status(), and the promise
// closed(), which resolves when the connection has ended for good.
import assert from "node:assert/strict";
import { connect } from "@nats-io/transport-node";

const servers = process.argv[2] ?? process.env.NATS_URL ?? "nats://127.0.0.1:4222";
const credentials = {
  ...(process.env.NATS_USER && { user: process.env.NATS_USER, pass: process.env.NATS_PASSWORD }),
  ...(process.env.NATS_CA && { tls: { caFile: process.env.NATS_CA } }),
};
const nc = await connect({
  servers,
  name: "connection-options", // shown by the server's monitoring
  timeout: 2000, // to connect, in milliseconds
  reconnectTimeWait: 100,
  maxReconnectAttempts: 10, // per server; -1 never gives up
  pingInterval: 60_000,
  maxPingOut: 3,
  noEcho: true, // don't get back what this connection publishes
  ...credentials,
});
console.log(`connected to ${nc.getServer()}, server ${nc.info.version}, ` +
  `client id ${nc.info.client_id}, max_payload ${nc.info.max_payload}`);

// Events, by type; next() waits for one.
const seen = new Map();
const waiting = new Map();
(async () => {
  for await (const status of nc.status()) {
    console.log("event:", status.type);
    seen.set(status.type, status);
    waiting.get(status.type)?.(status);
  }
})();
function next(type) {
  if (seen.has(type)) return seen.get(type);
  return new Promise((resolve, reject) => {
    const timer = setTimeout(() => reject(new Error(`no event ${type}`)), 5000);
    waiting.set(type, (status) => {
      clearTimeout(timer);
      resolve(status);
    });
  });
}

// noEcho: of the two messages only the one from the other connection arrives.
const other = await connect({ servers, ...credentials });
const sub = nc.subscribe("options.echo");
const messages = sub[Symbol.asyncIterator]();
nc.publish("options.echo", "mine");
await nc.flush();
other.publish("options.echo", "other's");
assert.equal((await messages.next()).value.string(), "other's");

// A subscription that falls behind its own threshold is reported.
const slow = nc.subscribe("options.slow", { slow: 1 });
await nc.flush();
for (let i = 0; i < 3; i++) other.publish("options.slow", "x");
await other.flush();
await nc.flush();
const reader = (async () => {
  for await (const _ of slow) await nc.flush();
})();
await next("slowConsumer");
slow.unsubscribe();
await reader;

// Drop the connection: the client comes back and renews its subscriptions by itself.
await nc.reconnect();
await next("disconnect");
await next("reconnect");
await nc.flush();
other.publish("options.echo", "after the reconnect");
assert.equal((await messages.next()).value.string(), "after the reconnect");

await other.close();
const closed = nc.closed();
await nc.close();
assert.equal(await closed, undefined, "closed() carries the error that ended the connection");
console.log("connection_options: ok");
