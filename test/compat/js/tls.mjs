// SPDX-License-Identifier: Apache-2.0
// server: tls

// TLS after INFO, with a message of many records; an unknown authority is refused.
import assert from "node:assert/strict";
import { CA, connect, done, reader, refused, roundTrip } from "./support.mjs";

const nc = await connect({ tls: CA });
await roundTrip(nc);
const sub = nc.subscribe("large");
nc.publish("large", new Uint8Array(nc.info.max_payload));
assert.equal((await reader(sub)()).data.length, nc.info.max_payload);
await nc.close();
await refused({ tls: {} });
done();
