// SPDX-License-Identifier: Apache-2.0
// server: permissions

// Forbidden subjects: the error names operation and subject, and the connection stays.
import assert from "node:assert/strict";
import { errors } from "@nats-io/transport-node";
import { connect, done } from "./support.mjs";

const nc = await connect({ user: "app", pass: "s3cret" });
const statuses = nc.status()[Symbol.asyncIterator]();
async function violation(operation, subject) {
  const { value } = await statuses.next();
  assert.equal(value.type, "error");
  assert.ok(value.error instanceof errors.PermissionViolationError, String(value.error));
  assert.deepEqual([value.error.operation, value.error.subject], [operation, subject]);
}
nc.publish("shut.door");
await violation("publish", "shut.door");
nc.publish("open.closed");
await violation("publish", "open.closed");
const shut = nc.subscribe("shut.>");
await violation("subscription", "shut.>");
await assert.rejects(async () => {
  for await (const _ of shut) assert.fail("delivered");
}, errors.PermissionViolationError);
const open = nc.subscribe("open.door", { max: 1 });
nc.publish("open.door", "x");
for await (const msg of open) assert.equal(msg.string(), "x");
await nc.close();
done();
