// SPDX-License-Identifier: Apache-2.0

// A server that stops: its clients see the disconnect and are closed.
import { connect, done, signalServer, status } from "./support.mjs";

const nc = await connect();
await nc.flush();
const disconnected = status(nc, "disconnect");
const closed = nc.closed();
signalServer("SIGTERM");
await disconnected;
await closed;
done();
