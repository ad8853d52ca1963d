import fc from "fast-check";
import { test } from "vitest";
import { HonestHouse } from "../test/honest-house.ts";
import { aStep } from "../test/honest-step.ts";
import { Scratch } from "../test/scratch.ts";

/** Set RUNS for more. */
const RUNS = Number(process.env["RUNS"] ?? 40);

test("P3, R-7.2-8: no process takes what an earlier runtime wrote for damaged, and owners get all of it", async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(aStep, { minLength: 10, maxLength: 40 }), async (steps) => {
      using scratch = new Scratch();
      await new HonestHouse(scratch).play(steps);
    }),
    { numRuns: RUNS },
  );
}, 120_000);
