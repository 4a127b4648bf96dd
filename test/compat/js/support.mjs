// SPDX-License-Identifier: Apache-2.0

// What the JavaScript tests share: connections, and an end for a test that hangs.
import assert from "node:assert/strict";
import { connect as natsConnect } from "@nats-io/transport-node";

export const URL = process.env.NATS_URL;
export const CERTS = process.env.CERTS;
export const CA = { caFile: `${CERTS}/ca.pem` };

// Without this a promise that never resolves would end the program with success.
const hanging = setTimeout(() => {
  console.error("the test hangs");
  process.exit(1);
}, 60_000);
export const done = () => clearTimeout(hanging);

/** A connection that doesn't reconnect, so that a failure shows at once. */
export function connect(options = {}) {
  return natsConnect({ servers: URL, reconnect: false, timeout: 5000, ...options });
}

/** Fails unless the server refuses the connection; gives the error's text. */
export async function refused(options = {}) {
  let nc;
  try {
    nc = await connect(options);
  } catch (err) {
    return `${err.message} ${err.cause?.message ?? ""}`.toLowerCase();
  }
  await nc.close();
  assert.fail(`the server accepted ${JSON.stringify(options)}`);
}

/** An async function that gives the next message of a subscription. */
export function reader(sub) {
  const messages = sub[Symbol.asyncIterator]();
  return async () => (await messages.next()).value;
}

export async function roundTrip(nc) {
  const sub = nc.subscribe("round.trip", { max: 1 });
  nc.publish("round.trip", "there and back");
  assert.equal((await reader(sub)()).string(), "there and back");
}

/** Resolves with the first status of this type. */
export async function status(nc, type) {
  for await (const s of nc.status()) {
    if (s.type === type) return s;
  }
  assert.fail(`the connection ended without the status ${type}`);
}

export function signalServer(signal) {
  process.kill(Number(process.env.SERVER_PID), signal);
}
