// SPDX-License-Identifier: Apache-2.0

// Object store: files of any size, stored in chunks and checked by their digest.
//
// Run:  npm ci && node object_store.mjs [nats://127.0.0.1:4222]     (or set NATS_URL)
//
// Needs a server with JetStream (-js). Uses the bucket "files" and deletes it. Exits 0 if all went
// as it should, else 1.
import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { Objm } from "@nats-io/obj";
import { connect } from "@nats-io/transport-node";

const SIZE = 5_000_000;
const servers = process.argv[2] ?? process.env.NATS_URL ?? "nats://127.0.0.1:4222";
const nc = await connect({ servers, name: "object-store" });
const store = await new Objm(nc).create("files");

const data = randomBytes(SIZE);
await store.put({ name: "large_file.bin" }, new Blob([data]).stream());
await store.putBlob({ name: "note.txt" }, new TextEncoder().encode("a few words"));

// The object comes as a stream of its chunks; `error` tells of a wrong digest at its end.
const result = await store.get("large_file.bin");
const chunks = [];
for await (const chunk of result.data) chunks.push(chunk);
assert.ok(!(await result.error));
assert.ok(Buffer.concat(chunks).equals(data), "the copy differs");
assert.equal(new TextDecoder().decode(await store.getBlob("note.txt")), "a few words");

const sizes = {};
for (const info of await store.list()) {
  console.log(`object: ${info.name}, size: ${info.size}`);
  sizes[info.name] = info.size;
}
assert.deepEqual(sizes, { "large_file.bin": SIZE, "note.txt": 11 });

await store.delete("note.txt");
assert.equal((await store.info("note.txt")).deleted, true);

await store.destroy();
await nc.drain();
console.log("object_store: ok");
