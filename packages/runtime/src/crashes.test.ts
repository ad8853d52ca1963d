import { describe, test } from "vitest";
import { crashDeeds } from "../test/crash/crash-deeds.ts";
import { CrashHouse } from "../test/crash/crash-house.ts";
import { judge } from "../test/crash/crash-verdict.ts";

const FATES = [
  { kind: "whose answers are there at once", lag: 0, apart: false },
  { kind: "whose answers take their time", lag: 2, apart: false },
  { kind: "without transactions", lag: 0, apart: true },
  { kind: "without transactions, whose answers take their time", lag: 2, apart: true },
  // The next process dies while it takes over, or when its clients return.
  { kind: "and then another one", lag: 0, apart: false, second: 2, unhandled: 2 },
  { kind: "and then a later one", lag: 1, apart: true, second: 6, unhandled: 99 },
];

/** More changes than any deed makes. */
const ENOUGH = 200;

describe.each(FATES)(
  "a crash between any two changes of a store, $kind",
  ({ kind: _, ...fate }) => {
    test.each(Object.entries(crashDeeds))("R-6.3-20, R-7.3-10: %s", async (_, deeds) => {
      for (let first = 1, isOver = false; !isOver; first++) {
        const house = new CrashHouse({ ...fate, first });
        try {
          isOver = !(await house.play(deeds));
          await judge(house);
          if (first > ENOUGH) throw new Error("it never comes to its end");
        } catch (error) {
          throw new Error(`after ${first} changes: ${error}`, { cause: error });
        }
      }
    });
  },
);
