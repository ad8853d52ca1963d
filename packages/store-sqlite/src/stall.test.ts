import { expect, test } from "vitest";
import { Scratch } from "../test/scratch.ts";
import { faultsOf, mebibytes } from "../test/stall-bounds.ts";
import { type Role, type StallPlan, stall } from "../test/stalling.ts";

const ROLES: readonly Role[] = ["viewer", "owner"];

/** What is wrong after a run in which each role stalls. The events are large, or the network would buffer them all. */
async function faultsOfEach(plan: Partial<StallPlan>): Promise<string[]> {
  using scratch = new Scratch();
  const faults = ROLES.map(async (stalls) => {
    const whole = {
      file: scratch.newFile(),
      events: 8000,
      size: 2000,
      sampleMs: 250,
      stalls,
      breakAfter: 100,
      stallFor: 0,
      throughEnd: true,
      ...plan,
    };
    const stalled = await stall(whole);
    // The whole flood is 16 MiB: it would show if it were buffered anywhere for the stalled client.
    const bound = 8 * 1024 * 1024;
    const wrong = faultsOf(whole, stalled, bound);
    return wrong.map((fault) => `${stalls}: ${fault} (${mebibytes(stalled.memory.used)})`);
  });
  return (await Promise.all(faults)).flat();
}

// The long form is the soak `stall`. Windows cannot stop a process for a while.
test.skipIf(process.platform === "win32")(
  "R-6.5-10, R-6.5-11, R-6.4-5: a client that stalls, even past its heartbeats, harms nobody and gets everything",
  async () => {
    expect(await faultsOfEach({ pastHeartbeats: true })).toEqual([]);
  },
);

test.skipIf(process.platform === "win32")(
  "R-6.3-17: a client that stalls until the log has passed it is told so, and nobody else notices",
  async () => {
    expect(await faultsOfEach({ logRecords: 4000, lead: 2000 })).toEqual([]);
  },
);
