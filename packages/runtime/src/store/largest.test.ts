import fc from "fast-check";
import { expect, test } from "vitest";
import { Largest, type Sized } from "./largest.ts";

test("the first is always the largest, and of equals the one with the lower name", () => {
  const step = fc.tuple(fc.constantFrom(..."abcdefghij"), fc.option(fc.nat(6)));
  fc.assert(
    fc.property(fc.array(step, { maxLength: 200 }), (steps) => {
      const largest = new Largest<Sized>();
      const entries = new Map<string, Sized>();
      const sizes = new Map<string, number>();
      for (const [name, size] of steps) {
        const entry = entries.get(name) ?? { name, size: 0, place: undefined };
        entries.set(name, entry);
        if (size === null) {
          largest.delete(entry);
          sizes.delete(name);
        } else {
          largest.set(entry, size);
          sizes.set(name, size);
        }
        const sorted = [...sizes].sort(([a, m], [b, n]) => n - m || (a < b ? -1 : 1));
        expect(largest.first?.name).toBe(sorted[0]?.[0]);
      }
    }),
  );
});
