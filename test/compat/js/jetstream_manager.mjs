// SPDX-License-Identifier: Apache-2.0
// server: jetstream

// The manager: account information, streams, messages, direct gets in batches, advisories.
import assert from "node:assert/strict";
import { jetstream, JetStreamApiError, jetstreamManager } from "@nats-io/jetstream";
import { connect, done } from "./support.mjs";

const nc = await connect();
const jsm = await jetstreamManager(nc);
const js = jetstream(nc);
assert.equal((await jsm.getAccountInfo()).streams, 0);

const advisories = jsm.advisories()[Symbol.asyncIterator]();
await nc.flush();
await jsm.streams.add({ name: "S", subjects: ["s.*"], allow_direct: true });
const seen = [];
while (!seen.includes("stream_action")) seen.push((await advisories.next()).value.kind);

for (let i = 0; i < 100; i++) await js.publish(`s.${i % 4}`, String(i));
await jsm.streams.deleteMessage("S", 3);
assert.equal((await jsm.streams.getMessage("S", { seq: 1 })).string(), "0");
assert.equal(await jsm.streams.getMessage("S", { seq: 3 }), null);
assert.equal((await jsm.streams.getMessage("S", { last_by_subj: "s.1" })).string(), "97");
assert.equal((await jsm.direct.getMessage("S", { next_by_subj: "s.1", seq: 3 })).string(), "5");
assert.equal(await jsm.direct.getMessage("S", { seq: 3 }), null);

const batch = [];
for await (const msg of await jsm.direct.getBatch("S", { seq: 1, batch: 10 })) batch.push(msg.seq);
assert.deepEqual(batch, [1, 2, 4, 5, 6, 7, 8, 9, 10, 11]);
const last = [];
for await (const msg of await jsm.direct.getLastMessagesFor("S", { multi_last: ["s.1", "s.3"] })) {
  last.push(msg.string());
}
assert.deepEqual(last, ["97", "99"]);

const names = [];
for await (const name of jsm.streams.names("s.2")) names.push(name);
assert.deepEqual(names, ["S"]);
assert.equal((await jsm.streams.purge("S", { filter: "s.1" })).purged, 25);
const info = await jsm.streams.info("S", { subjects_filter: ">", deleted_details: true });
assert.deepEqual(Object.keys(info.state.subjects).sort(), ["s.0", "s.2", "s.3"]);
assert.equal(info.state.messages, 74);
assert.ok(info.state.deleted.includes(3));
assert.equal((await jsm.streams.update("S", { max_msgs: 10 })).state.messages, 10);
await assert.rejects(jsm.streams.add({ name: "S", subjects: ["t"] }), JetStreamApiError);
await jsm.streams.delete("S");
await assert.rejects(jsm.streams.info("S"), /stream not found/);
await nc.close();
done();
