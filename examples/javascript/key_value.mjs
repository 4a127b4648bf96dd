// SPDX-License-Identifier: Apache-2.0

// Key-value store: put, get, update, delete, history, time to live, and watching for changes.
//
// Run:  npm ci && node key_value.mjs [nats://127.0.0.1:4222]     (or set NATS_URL)
//
// Needs a server with JetStream (-js). Uses the bucket "config" and deletes it. Exits 0 if all went
// as it should, else 1.
import assert from "node:assert/strict";
import { Kvm } from "@nats-io/kv";
import { connect } from "@nats-io/transport-node";

const servers = process.argv[2] ?? process.env.NATS_URL ?? "nats://127.0.0.1:4222";
const nc = await connect({ servers, name: "key-value" });
const kvm = new Kvm(nc);

const kv = await kvm.create("config", { history: 5, ttl: 3_600_000 });
await kv.put("api.timeout", "30");
await kv.put("api.retries", "3");
const timeout = await kv.get("api.timeout");
assert.deepEqual([timeout.string(), timeout.revision], ["30", 1]);

// A watcher sees what is there first, then what changes.
const watcher = await kv.watch({ key: "api.*" });
const seen = [];
for await (const entry of watcher) {
  seen.push(`${entry.key}=${entry.string()}`);
  if (seen.length === 2) await kv.put("api.timeout", "60");
  if (seen.length === 3) break;
}
assert.deepEqual(seen, ["api.timeout=30", "api.retries=3", "api.timeout=60"]);
console.log(`saw ${seen.join(", ")}`);

const revision = await kv.create("colour", "red");
await assert.rejects(kv.create("colour", "red"));
await kv.update("colour", "green", revision);
await assert.rejects(kv.update("colour", "blue", revision), /wrong last sequence/);
await kv.delete("colour");
const operations = [];
for await (const entry of await kv.history({ key: "colour" })) operations.push(entry.operation);
assert.deepEqual(operations, ["PUT", "PUT", "DEL"]);

const keys = [];
for await (const key of await kv.keys()) keys.push(key);
assert.deepEqual(keys.sort(), ["api.retries", "api.timeout"]);
const status = await kv.status();
assert.deepEqual([status.history, status.ttl], [5, 3_600_000]);

// An entry with a time to live goes by itself, and watchers are told.
const short = await kvm.create("short", { markerTTL: 60_000 });
const markers = await short.watch({ include: "updates" });
await short.create("key", "value", "1s");
const changes = [];
for await (const entry of markers) {
  changes.push(entry.operation);
  if (changes.length === 2) break;
}
assert.equal(changes[0], "PUT");
assert.notEqual(changes[1], "PUT");
console.log("the entry has expired");

await short.destroy();
await kv.destroy();
await nc.drain();
console.log("key_value: ok");
