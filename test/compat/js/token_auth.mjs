// SPDX-License-Identifier: Apache-2.0
// server: token

// A token gets in; a wrong or missing one does not.
import assert from "node:assert/strict";
import { connect, done, refused, roundTrip } from "./support.mjs";

const nc = await connect({ token: "t0ken" });
await roundTrip(nc);
await nc.close();
for (const wrong of [{ token: "t0keN" }, { token: "" }, {}]) {
  assert.match(await refused(wrong), /authorization violation/);
}
done();
