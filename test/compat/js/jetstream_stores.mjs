// SPDX-License-Identifier: Apache-2.0
// server: jetstream

// Key-value and object stores that the other clients' examples don't show: filters, creates
// after deletions, purges of deletions, links, replaced objects.
import assert from "node:assert/strict";
import { Kvm } from "@nats-io/kv";
import { Objm } from "@nats-io/obj";
import { connect, done } from "./support.mjs";

const nc = await connect();
const kv = await new Kvm(nc).create("B", { history: 10 });
for (let i = 0; i < 200; i++) await kv.put(`group${i % 2}.key${i}`, String(i));
const keys = [];
for await (const key of await kv.keys("group1.*")) keys.push(key);
assert.equal(keys.length, 100);
await kv.delete("group0.key0");
await assert.doesNotReject(kv.create("group0.key0", "again"));
await kv.delete("group0.key2");
await kv.purge("group0.key4");
assert.equal((await kv.get("group0.key4")).operation, "PURGE");
assert.equal((await kv.purgeDeletes(0)).success, true);
assert.equal((await kv.status()).values, 197);

const watched = [];
const watcher = await kv.watch({ key: "group1.>", ignoreDeletes: true });
for await (const entry of watcher) {
  watched.push(entry.key);
  if (entry.delta === 0) break;
}
assert.equal(watched.length, 100);

const os = await new Objm(nc).create("O", { max_bytes: 10_000_000 });
await os.putBlob({ name: "a", description: "first" }, new Uint8Array(300_000));
await os.putBlob({ name: "a", description: "second" }, new Uint8Array(10));
const info = await os.info("a");
assert.deepEqual([info.size, info.chunks, info.description], [10, 1, "second"]);
await os.link("b", info);
assert.equal((await os.getBlob("b")).length, 10);
await os.update("a", { name: "c" });
assert.equal(await os.info("a"), null);
await assert.rejects(os.putBlob({ name: "big" }, new Uint8Array(11_000_000)));
assert.deepEqual((await os.list()).map((o) => o.name).sort(), ["b", "c"]);
assert.equal((await os.seal()).sealed, true);
await nc.close();
done();
