import { expect, test } from "vitest";
import { killFamily } from "../test/killing-family.ts";
import { Scratch } from "../test/scratch.ts";

// The long form is `soak family`.
test("R-10-6, R-9.6-8: a runtime that is killed leaves no child running, and every cent accounted for", async () => {
  using scratch = new Scratch();
  const { kills, children, orphans, spent } = await killFamily(scratch.newFile(), 4, () => 0.7);
  expect(kills).toBe(4);
  expect(children).toBeGreaterThan(10);
  // A kill may come when nearly all of them have just ended: over four, that is as good as never so.
  expect(orphans).toBeGreaterThan(2);
  expect(spent).toBeGreaterThan(100);
});
