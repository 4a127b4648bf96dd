// SPDX-License-Identifier: Apache-2.0

// A message of max_payload arrives whole, among small ones and in order.
import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { connect, done, reader } from "./support.mjs";

const nc = await connect();
const other = await connect();
const next = reader(nc.subscribe("limit"));
await nc.flush();
const large = randomBytes(nc.info.max_payload);
other.publish("limit", "before");
other.publish("limit", large);
other.publish("limit", "after");
assert.equal((await next()).string(), "before");
assert.ok(large.equals((await next()).data));
assert.equal((await next()).string(), "after");
await nc.close();
await other.close();
done();
