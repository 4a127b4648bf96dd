// SPDX-License-Identifier: Apache-2.0

// A request without a service fails at once, with both kinds of requests; requestMany too.
import assert from "node:assert/strict";
import { errors } from "@nats-io/transport-node";
import { connect, done } from "./support.mjs";

const nc = await connect();
const begin = Date.now();
for (const noMux of [false, true]) {
  await assert.rejects(
    nc.request("nobody.there", "", { timeout: 30_000, noMux }),
    (err) => [err, err.cause].some((e) => e instanceof errors.NoRespondersError),
  );
}
await assert.rejects(async () => {
  for await (const _ of await nc.requestMany("nobody.there", "", { maxWait: 30_000 })) {
    assert.fail("answered");
  }
}, (err) => [err, err.cause].some((e) => e instanceof errors.NoRespondersError));
assert.ok(Date.now() - begin < 10_000);
await nc.close();
done();
