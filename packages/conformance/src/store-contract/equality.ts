import assert from "node:assert/strict";

/** Fails unless both are the same JSON: a field that is `undefined` counts as absent, and prototypes do not count. */
export function same(actual: unknown, expected: unknown, message?: string): void {
  assert.deepEqual(asJson(actual), asJson(expected), message);
}

function asJson(value: unknown): unknown {
  return value === undefined ? undefined : JSON.parse(JSON.stringify(value));
}
