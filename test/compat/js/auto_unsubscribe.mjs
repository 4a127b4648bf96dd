// SPDX-License-Identifier: Apache-2.0

// After its maximum a subscription gets nothing more, and the server has forgotten it.
import assert from "node:assert/strict";
import { errors } from "@nats-io/transport-node";
import { connect, done } from "./support.mjs";

const nc = await connect();
const other = await connect();
const sub = nc.subscribe("max.test", { max: 3 });
const late = nc.subscribe("max.late");
await nc.flush();
for (let i = 0; i < 10; i++) {
  other.publish("max.test", String(i));
  other.publish("max.late", String(i));
}
await other.flush();
await nc.flush();
late.unsubscribe(12); // two more than it has got
for (let i = 10; i < 15; i++) nc.publish("max.late", String(i));

const seen = [];
for await (const msg of sub) seen.push(msg.string());
assert.deepEqual(seen, ["0", "1", "2"]);
let count = 0;
for await (const _ of late) count++;
assert.equal(count, 12);
await assert.rejects(
  other.request("max.late", "", { timeout: 10_000 }),
  (err) => [err, err.cause].some((e) => e instanceof errors.NoRespondersError),
);
await nc.close();
await other.close();
done();
