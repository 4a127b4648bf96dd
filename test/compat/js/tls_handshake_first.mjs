// SPDX-License-Identifier: Apache-2.0
// server: tls_first

// handshake_first: the TLS handshake comes before INFO, and only so.
import { CA, connect, done, refused, roundTrip } from "./support.mjs";

const nc = await connect({ tls: { ...CA, handshakeFirst: true } });
await roundTrip(nc);
await nc.close();
await refused({ tls: CA, timeout: 1000 });
done();
