import { expect, test } from "vitest";
import { lies } from "../test/lies.ts";
import { expectNoUnhandledRejections } from "../test/no-unhandled-rejections.ts";

expectNoUnhandledRejections();

// The long form is the soak `lies`.
test("R-5.3-5, R-5.4-7, R-8.3-3: whatever a runtime says, every call of the client settles, and no event comes twice", async () => {
  const from = Math.trunc(Math.random() * 2 ** 31);
  for (let seed = from; seed < from + 50; seed++) {
    const asked = await lies(seed).catch((cause: unknown) => {
      throw new Error(`seed ${seed}`, { cause });
    });
    expect(asked, `seed ${seed}`).toBeGreaterThan(10);
  }
});
