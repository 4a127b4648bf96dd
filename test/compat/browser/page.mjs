// SPDX-License-Identifier: Apache-2.0

// Runs in the browser: connects over WebSocket, and posts what happened to /result.
import { headers, wsconnect } from "@nats-io/nats-core";

function expect(right, what) {
  if (!right) throw new Error(what);
}

async function run(servers) {
  const nc = await wsconnect({ servers, reconnect: false, timeout: 10_000 });
  const other = await wsconnect({ servers, reconnect: false, timeout: 10_000 });

  const sub = nc.subscribe("browser.>", { max: 101 });
  await nc.flush();
  const large = new Uint8Array(nc.info.max_payload).fill(7);
  for (let i = 0; i < 100; i++) other.publish(`browser.${i}`, String(i));
  other.publish("browser.large", large);
  let i = 0;
  for await (const msg of sub) {
    if (i < 100) {
      expect(msg.string() === String(i) && msg.subject === `browser.${i}`, `message ${i}`);
    } else {
      expect(msg.data.length === large.length && msg.data.every((b) => b === 7), "large");
    }
    i++;
  }
  expect(i === 101, "all messages");

  nc.subscribe("service", {
    callback: (_, msg) => msg.respond(`hello ${msg.headers.get("Who")}`),
  });
  await nc.flush();
  const h = headers();
  h.set("Who", "browser");
  const reply = await other.request("service", "", { headers: h, timeout: 10_000 });
  expect(reply.string() === "hello browser", "reply");

  let refused = "";
  await other.request("nobody", "", { timeout: 10_000 }).catch((err) => refused = err.name);
  expect(refused !== "" && refused !== "TimeoutError", `no responders: ${refused}`);
  await nc.drain();
  await other.drain();
}

run(new URLSearchParams(location.search).get("server"))
  .then(() => "ok", (err) => `${err?.stack ?? err}`)
  .then((result) => fetch("/result", { method: "POST", body: result }));
