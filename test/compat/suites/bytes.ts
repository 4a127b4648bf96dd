// SPDX-License-Identifier: Apache-2.0

// Stands in for the library of that name of the nats.js suite.
export function equals(a: Uint8Array, b: Uint8Array): boolean {
  return a.length === b.length && a.every((x, i) => x === b[i]);
}
