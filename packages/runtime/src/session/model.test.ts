import { expect, test } from "vitest";
import { configurations, small } from "../../test/model/configurations.ts";
import { explore } from "../../test/model/explore.ts";
import { type FaultName, faults } from "../../test/model/fault.ts";
import type { Configuration } from "../../test/model/world.ts";

/** States and transitions: the same in every run, so a change means that the runtime's own code or the model has changed. */
const sizes: Readonly<Record<string, readonly [number, number]>> = {
  drops: [2487, 6154],
  crash: [3399, 7281],
  failure: [2343, 4698],
  hidden: [863, 1745],
  "failure of two jobs": [2888, 6948],
  "two jobs": [6617, 17093],
  endings: [2704, 6210],
  observer: [2220, 5949],
  restart: [521, 825],
  "a second subscription": [7145, 16146],
  eviction: [7066, 16827],
  "eviction of one's own": [1072, 2568],
  acks: [3103, 6885],
};

test.each(Object.entries<Configuration>(small))(
  "J1 to J3, P1 to P5, R-6.3-7, R-6.3-8, R-6.3-9, R-6.3-10, R-6.3-15, R-6.3-17, R-7.3-2, R-7.6-3, R-8.3-1 and R-8.3-2 hold in every state: %s",
  async (name, configuration) => {
    const { found, exhausted, ...counts } = await explore(configuration, { states: 50_000 });
    expect(found?.violation.message, found?.trace.join("\n")).toBeUndefined();
    expect(exhausted).toBe(true);
    const { states, transitions, depth } = counts;
    console.log(
      `${name}: ${states} states, ${transitions} transitions, depth ${depth}, all of them`,
    );
    expect([states, transitions]).toEqual(sizes[name]);
  },
);

test.each(Object.entries(faults))(
  "the model check finds an injected fault: %s",
  async (name, fault) => {
    const { found } = await explore(configurations[fault.where], { fault: name as FaultName });
    expect(found?.violation.invariant).toBe(fault.breaks);
  },
);

test("a fault is found by a shortest trace", async () => {
  const { found } = await explore(small.drops, { fault: "token-voided" });
  expect(found?.trace).toEqual([
    "s0 client loses its connection",
    "s0 client resumes with t0 behind 0",
    "s0 stores a claim",
  ]);
});
