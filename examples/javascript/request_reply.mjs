// SPDX-License-Identifier: Apache-2.0

// Request and reply: ask a service, wait for its answer.
//
// Run:  npm ci && node request_reply.mjs [nats://127.0.0.1:4222]     (or set NATS_URL)
//
// Exits 0 if the answers are right, and if a request that nobody serves fails at once.
import assert from "node:assert/strict";
import { connect, errors } from "@nats-io/transport-node";

const servers = process.argv[2] ?? process.env.NATS_URL ?? "nats://127.0.0.1:4222";
const service = await connect({ servers, name: "request-reply-service" });
const client = await connect({ servers, name: "request-reply-client" });

const users = { 123: { id: 123, name: "Ada" }, 124: { id: 124, name: "Grace" } };
service.subscribe("user.get", {
  callback: (err, msg) => {
    if (err) throw err;
    const { user_id } = msg.json();
    msg.respond(JSON.stringify(users[user_id] ?? { error: "no such user" }));
  },
});
await service.flush();

async function ask(user_id) {
  const reply = await client.request("user.get", JSON.stringify({ user_id }), { timeout: 2000 });
  return reply.json();
}

const user = await ask(123);
console.log("user:", user);
assert.deepEqual(user, users[123]);
assert.deepEqual(await ask(7), { error: "no such user" });

// Many requests may be in flight: each reply finds its own request.
const many = await Promise.all(Array.from({ length: 50 }, (_, i) => ask(123 + i % 2)));
many.forEach((u, i) => assert.deepEqual(u, users[123 + i % 2]));

// Nobody listens there: the server says so, and the client need not wait for its timeout.
await assert.rejects(
  client.request("user.delete", "", { timeout: 30_000 }),
  (err) => err instanceof errors.NoRespondersError ||
    err.cause instanceof errors.NoRespondersError,
);
console.log("user.delete: no responders, as expected");

await client.drain();
await service.drain();
console.log("request_reply: ok");
