import { afterEach, expect } from "vitest";

/** Fails a test that leaves a rejection which nobody handles. */
export function expectNoUnhandledRejections(): void {
  const unhandled: unknown[] = [];
  process.on("unhandledRejection", (reason) => void unhandled.push(reason));
  afterEach(async () => {
    // They are reported after the microtasks of a turn.
    await new Promise((resolve) => setImmediate(resolve));
    expect(unhandled.splice(0)).toEqual([]);
  });
}
