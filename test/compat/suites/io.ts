// SPDX-License-Identifier: Apache-2.0

// Stands in for the one function that the nats.js transport takes from Deno's io library.
export async function writeAll(
  writer: { write(part: Uint8Array): Promise<number> },
  data: Uint8Array,
) {
  for (let done = 0; done < data.length;) done += await writer.write(data.subarray(done));
}
