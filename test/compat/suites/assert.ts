// SPDX-License-Identifier: Apache-2.0

// Stands in for the assertion library of the nats.js suite, which no package registry carries.
// deno-lint-ignore-file no-explicit-any
import strict from "node:assert/strict";
export { AssertionError } from "node:assert/strict";

type Class<T> = new (...args: any[]) => T;

export function fail(text?: string): never {
  throw new strict.AssertionError({ message: text ?? "failed" });
}

export function assert(value: unknown, text?: string): asserts value {
  strict.ok(value, text);
}

export function assertFalse(value: unknown, text?: string) {
  strict.ok(!value, text);
}

export function equal(a: unknown, b: unknown): boolean {
  try {
    strict.deepEqual(a, b);
    return true;
  } catch {
    return false;
  }
}

export function assertEquals(a: unknown, b: unknown, text?: string) {
  strict.deepEqual(a, b, text);
}

export function assertNotEquals(a: unknown, b: unknown, text?: string) {
  strict.notDeepEqual(a, b, text);
}

export function assertExists<T>(value: T, text?: string): asserts value is NonNullable<T> {
  strict.ok(value !== undefined && value !== null, text);
}

export function assertArrayIncludes(a: readonly unknown[], b: readonly unknown[], text?: string) {
  for (const wanted of b) {
    strict.ok(a.some((x) => equal(x, wanted)), text ?? `${wanted} is missing in ${a}`);
  }
}

export function assertMatch(actual: string, pattern: RegExp, text?: string) {
  strict.match(actual, pattern, text);
}

export function assertStringIncludes(actual: string, part: string, text?: string) {
  strict.ok(actual.includes(part), text ?? `"${part}" is missing in "${actual}"`);
}

export function assertInstanceOf<T>(value: unknown, type: Class<T>, text?: string) {
  strict.ok(value instanceof type, text ?? `${value} is not a ${type.name}`);
}

export function assertGreater(a: number, b: number, text?: string) {
  strict.ok(a > b, text ?? `${a} > ${b}`);
}

export function assertLess(a: number, b: number, text?: string) {
  strict.ok(a < b, text ?? `${a} < ${b}`);
}

// Of the forms (fn, text) and (fn, Class, part of the message, text) it judges what was thrown.
function judge(err: unknown, type?: Class<unknown> | string, part?: string): any {
  if (typeof type === "function") {
    strict.ok(err instanceof type, `expected ${type.name}, got ${err}`);
  }
  if (part) assertStringIncludes((err as Error).message, part);
  return err;
}

export function assertThrows(fn: () => unknown, type?: Class<any> | string, part?: string): any {
  try {
    fn();
  } catch (err) {
    return judge(err, type, part);
  }
  fail("nothing was thrown");
}

export async function assertRejects(
  fn: () => PromiseLike<unknown>,
  type?: Class<any> | string,
  part?: string,
): Promise<any> {
  try {
    await fn();
  } catch (err) {
    return judge(err, type, part);
  }
  fail("the promise was not rejected");
}

export function assertAlmostEquals(a: number, b: number, tolerance = 1e-7, text?: string) {
  strict.ok(Math.abs(a - b) <= tolerance, text ?? `${a} and ${b} differ by more than ${tolerance}`);
}

export function assertIsError<T>(value: unknown, type?: Class<T>, part?: string) {
  strict.ok(value instanceof Error, `${value} is no error`);
  if (type) assertInstanceOf(value, type);
  if (part) assertStringIncludes(value.message, part);
}
