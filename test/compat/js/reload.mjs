// SPDX-License-Identifier: Apache-2.0
// server: users

// SIGHUP: a user whose password has changed is disconnected, another one notices nothing.
import assert from "node:assert/strict";
import { readFileSync, writeFileSync } from "node:fs";
import { connect, done, refused, roundTrip, signalServer } from "./support.mjs";

const stays = await connect({ user: "stays", pass: "one" });
const goes = await connect({ user: "goes", pass: "two" });
const closed = goes.closed();
const conf = process.env.SERVER_CONF;
writeFileSync(conf, readFileSync(conf, "utf8").replace("password: two", "password: three"));
signalServer("SIGHUP");
await closed;
await roundTrip(stays);
assert.match(await refused({ user: "goes", pass: "two" }), /authorization violation/);
const nc = await connect({ user: "goes", pass: "three" });
await roundTrip(nc);
await nc.close();
await stays.close();
done();
