import fc from "fast-check";
import { expect, test } from "vitest";
import { aScript, Interleaving, tally } from "../test/interleaving.ts";
import { Scratch } from "../test/scratch.ts";

/** The long form is the soak `interleaving`. */
const RUNS = 300;

test("R-6.3-20: a crash or fault between any two statements loses, repeats and halves nothing that was acknowledged", async () => {
  const run = async (script: Parameters<Interleaving["play"]>[0]): Promise<void> => {
    using scratch = new Scratch();
    await new Interleaving(() => scratch.newFile()).play(script);
  };
  await fc.assert(fc.asyncProperty(aScript, run), { numRuns: RUNS });
  // Check that it exercised what it should: crashes with calls in flight, some of them just durable, and crashes behind
  // checkpoints.
  expect(tally.crashes).toBeGreaterThan(RUNS / 2);
  expect(tally.losses).toBeGreaterThan(RUNS / 4);
  expect(tally.unacknowledged).toBeGreaterThan(RUNS / 2);
  expect(tally.undone).toBeGreaterThan(RUNS / 4);
  // These depend on a script's luck: the bounds are so far below the usual that not one of a million runs fails by them.
  expect(tally.failures).toBeGreaterThan(RUNS / 60);
  expect(tally.renewed).toBeGreaterThan(RUNS / 60);
  expect(tally.kept).toBeGreaterThan(RUNS / 30);
});
