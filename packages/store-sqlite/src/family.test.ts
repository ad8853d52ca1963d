import { expect, test } from "vitest";
import { killFamily } from "../test/killing-family.ts";
import { Scratch } from "../test/scratch.ts";

// The long form is `soak family`.
test("R-10-6, R-9.6-8: a killed runtime leaves no child running, and every cent is accounted for", async () => {
  using scratch = new Scratch();
  const { kills, children, orphans, spent } = await killFamily(scratch.newFile(), 4, () => 0.7);
  expect(kills).toBe(4);
  expect(children).toBeGreaterThan(10);
  // A kill may come when nearly all of them have just ended; over four kills, that is practically impossible.
  expect(orphans).toBeGreaterThan(2);
  expect(spent).toBeGreaterThan(100);
});
