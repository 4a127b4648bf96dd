// SPDX-License-Identifier: Apache-2.0
// server: tls_verify

// With `verify` a client without a certificate of the authority stays outside.
import { CA, CERTS, connect, done, refused, roundTrip } from "./support.mjs";

const ours = { certFile: `${CERTS}/client.pem`, keyFile: `${CERTS}/client-key.pem` };
const nc = await connect({ tls: { ...CA, ...ours } });
await roundTrip(nc);
await nc.close();
await refused({ tls: CA });
done();
