// SPDX-License-Identifier: Apache-2.0
// server: nkey

// An nkey user signs the server's nonce; another key, or no signature, does not get in.
import assert from "node:assert/strict";
import { nkeyAuthenticator } from "@nats-io/transport-node";
import { createUser } from "@nats-io/nkeys";
import { connect, done, refused, roundTrip } from "./support.mjs";

// Made for this test; its public half stands in conf/nkey.conf.
const SEED = "SUAD55FHOBFZXNPZZ26H2KKU5AWQ54T6RSDFZYPQ57WCHJSUJHZOS3O2YE";

const nc = await connect({ authenticator: nkeyAuthenticator(new TextEncoder().encode(SEED)) });
await roundTrip(nc);
await nc.close();
const other = nkeyAuthenticator(createUser().getSeed());
assert.match(await refused({ authenticator: other }), /authorization violation/);
assert.match(await refused(), /authorization violation/);
done();
