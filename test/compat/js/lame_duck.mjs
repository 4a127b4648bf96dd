// SPDX-License-Identifier: Apache-2.0
// server: lame_duck

// SIGUSR2: clients are told of the lame duck mode, go on working, and no new one gets in.
import { connect, done, refused, roundTrip, signalServer, status } from "./support.mjs";

const nc = await connect();
const told = status(nc, "ldm");
signalServer("SIGUSR2");
await told;
await roundTrip(nc);
await refused({ timeout: 2000 });
await nc.close();
done();
