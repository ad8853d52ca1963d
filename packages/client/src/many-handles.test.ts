import { expect, test } from "vitest";
import { manyHandles } from "../test/many-handles.ts";

// The long form is the soak `handles`.
test("R-6.3-19, R-7.6-7, R-8.3-3: whatever handles come, read and leave, each gets its events once and in order", async () => {
  const from = Math.trunc(Math.random() * 2 ** 31);
  for (let seed = from; seed < from + 3; seed++) {
    const { readers, refused } = await manyHandles(seed).catch((cause: unknown) => {
      throw new Error(`seed ${seed}`, { cause });
    });
    expect(readers + refused, `seed ${seed}`).toBeGreaterThan(10);
  }
});
