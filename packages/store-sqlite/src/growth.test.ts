import { expect, test } from "vitest";
import { readLate, runMany } from "../test/growth.ts";
import { Scratch } from "../test/scratch.ts";

const MIB = 1024 * 1024;

// The long form of both is `soak growth`.
test.each(["sqlite", "memory"])(
  "R-14-3: on %s neither memory nor the file grows with the number of past jobs",
  async (kind) => {
    using scratch = new Scratch();
    const store = kind === "memory" ? kind : scratch.newFile();
    const plan = { store, jobs: 80, eventsPerJob: 200, retention: 0.5, pace: 40 };
    const { early, late } = await runMany(plan);
    expect(early.after).toBeGreaterThan(plan.retention);
    expect(late.memory - early.memory).toBeLessThan(2 * MIB);
    // Up to a MiB of free pages stays in the file for later use.
    expect(late.file - early.file).toBeLessThan(1.5 * MIB);
  },
);

test("R-7.6-3: a session opened later gets a long, finished job whole and in order", async () => {
  using scratch = new Scratch();
  await readLate(scratch.newFile(), 10_000);
});
