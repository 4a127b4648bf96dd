// SPDX-License-Identifier: Apache-2.0
// server: user

// A user with a password gets in; a wrong or missing one does not.
import assert from "node:assert/strict";
import { connect, done, refused, roundTrip } from "./support.mjs";

const nc = await connect({ user: "app", pass: "s3cret" });
await roundTrip(nc);
await nc.close();
for (const wrong of [{ user: "app", pass: "s3creT" }, { user: "app" }, { token: "s3cret" }, {}]) {
  assert.match(await refused(wrong), /authorization violation/);
}
done();
