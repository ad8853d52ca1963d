import { atLeast } from "../goal.ts";
import { inFlight } from "../in-flight.ts";
import { LoadClient } from "../load-client.ts";
import type { Scenario } from "../scenario.ts";
import { STEPPER } from "../targets/agents.ts";
import { USUAL_TARGETS } from "../targets/target.ts";

/** How many submits wait for their result at any time. */
export const IN_FLIGHT = 64;

/**
 * Submits until their path is compiled, which takes long: the first few thousand cost twice as much as those of a server that has
 * run for a minute.
 */
export const WARM = 40_000;

/** Jobs that return at once, many at a time in one session. */
export const s2: Scenario = {
  id: "S2",
  title: `submits, ${IN_FLIGHT} in flight`,
  operation: "submit",
  size: { warmUp: WARM, measured: 16_000 },
  targets: USUAL_TARGETS,
  metrics: [{ name: "rate", unit: "submits/s", digits: 0 }],
  goals: [atLeast({ id: "S2", metric: "rate", must: 0.6, aim: 0.9 })],
  async prepare({ url, size: { warmUp, measured } }) {
    const client = await LoadClient.open(url);
    const submits = (count: number) =>
      inFlight(count, IN_FLIGHT, () => client.run(STEPPER, { events: 0 }));
    await submits(warmUp);
    return {
      async measure() {
        const started = performance.now();
        await submits(measured);
        return { rate: (measured / (performance.now() - started)) * 1000 };
      },
    };
  },
};
