import fc from "fast-check";
import { expect, test } from "vitest";
import { aScript, Interleaving, tally } from "../test/interleaving.ts";
import { Scratch } from "../test/scratch.ts";

/** The long form is the soak `interleaving`. */
const RUNS = 300;

test("R-6.3-20: after a crash or a fault between any two statements nothing acknowledged is lost, nothing is repeated or half there", async () => {
  const run = async (script: Parameters<Interleaving["play"]>[0]): Promise<void> => {
    using scratch = new Scratch();
    await new Interleaving(() => scratch.newFile()).play(script);
  };
  await fc.assert(fc.asyncProperty(aScript, run), { numRuns: RUNS });
  // It looked where it should: at crashes in the middle of something, of which some had just become durable, and behind checkpoints.
  expect(tally.crashes).toBeGreaterThan(RUNS / 2);
  expect(tally.losses).toBeGreaterThan(RUNS / 4);
  expect(tally.unacknowledged).toBeGreaterThan(RUNS / 2);
  expect(tally.undone).toBeGreaterThan(RUNS / 4);
  // Some of a script's luck is in these: far below what is usual, so that none of a million runs fails by it.
  expect(tally.failures).toBeGreaterThan(RUNS / 60);
  expect(tally.renewed).toBeGreaterThan(RUNS / 60);
  expect(tally.kept).toBeGreaterThan(RUNS / 30);
});
