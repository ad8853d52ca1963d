import { expect, test } from "vitest";
import { Fuzzer } from "../../test/fuzz/fuzz.ts";
import { regressions } from "../../test/fuzz/regressions.ts";

// The long form is `soak fuzz`.
test.for(["ws", "memory"] as const)(
  "R-5.4-4, R-6.3-10, R-7.6-11, R-8.3-1, R-14-2, R-14-3: hostile programs on many connections, over %s, leave no request unanswered, repeat no number and leak nothing",
  async (way) => {
    const seed = Math.trunc(Math.random() * 2 ** 31);
    await using fuzzer = new Fuzzer(way);
    const plan = { seed, programs: 8, longest: 40, shrinking: 10_000 };
    const failure = await fuzzer.run(plan);
    expect(failure && `seed ${seed}: ${failure.told}\n${JSON.stringify(failure.program)}`).toBe(
      undefined,
    );
    expect(fuzzer.tally.answered, `seed ${seed}`).toBeGreaterThan(10);
  },
);

test.for(regressions)("a failure found earlier does not recur: $was", async ({ program }) => {
  for (const way of ["ws", "memory"] as const) {
    await using fuzzer = new Fuzzer(way);
    expect(await fuzzer.play(program)).toBe(undefined);
  }
});
