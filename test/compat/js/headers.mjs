// SPDX-License-Identifier: Apache-2.0

// Headers travel unchanged, several values of a key too, with and without a payload.
import assert from "node:assert/strict";
import { headers } from "@nats-io/transport-node";
import { connect, done, reader } from "./support.mjs";

const nc = await connect();
const next = reader(nc.subscribe("headers"));
for (const payload of ["", "payload"]) {
  const h = headers();
  h.append("Key", "one");
  h.append("Key", "two: with a colon");
  h.set("lower-case", "kept");
  nc.publish("headers", payload, { headers: h });
  const msg = await next();
  assert.equal(msg.string(), payload);
  assert.deepEqual(msg.headers.values("Key"), ["one", "two: with a colon"]);
  assert.deepEqual([...msg.headers.keys()], ["Key", "lower-case"]);
}
await nc.close();
done();
