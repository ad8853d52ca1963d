import fc from "fast-check";
import { expect, test } from "vitest";
import { Largest } from "./largest.ts";

test("the first is the largest at any moment, and of equals the one with the lower name", () => {
  const step = fc.tuple(fc.constantFrom(..."abcdefghij"), fc.option(fc.nat(6)));
  fc.assert(
    fc.property(fc.array(step, { maxLength: 200 }), (steps) => {
      const largest = new Largest<string>();
      const sizes = new Map<string, number>();
      for (const [name, size] of steps) {
        if (size === null) {
          largest.delete(name);
          sizes.delete(name);
        } else {
          largest.set(name, size);
          sizes.set(name, size);
        }
        const sorted = [...sizes].sort(([a, m], [b, n]) => n - m || (a < b ? -1 : 1));
        expect(largest.first).toBe(sorted[0]?.[0]);
      }
    }),
  );
});
