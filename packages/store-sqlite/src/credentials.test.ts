import { expect, test } from "vitest";
import { outlive } from "../test/outliving.ts";
import { Scratch } from "../test/scratch.ts";

// The long form is `soak credentials`.
test("R-9.8-6, R-9.8-8, R-9.8-10: no credential outlives its job, and none is written to disk", async () => {
  using scratch = new Scratch();
  const { ends, credentials, kills } = await outlive(scratch.path, 15);
  expect(kills).toBeGreaterThan(0);
  const { refused: _, ...others } = ends;
  const ended = Object.values(others).reduce((sum, count) => sum + count);
  expect(ended).toBeGreaterThanOrEqual(15);
  // Each job had at least one; how many more is chance.
  expect(credentials).toBeGreaterThanOrEqual(ended);
});
