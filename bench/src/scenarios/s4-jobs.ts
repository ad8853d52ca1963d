import { atLeast } from "../goal.ts";
import { LoadClient } from "../load-client.ts";
import type { Scenario } from "../scenario.ts";
import { STEPPER } from "../targets/agents.ts";
import { USUAL_TARGETS } from "../targets/target.ts";

const JOBS = 8;

/** Several jobs of one session emit small log events at the same time. */
export const s4: Scenario = {
  id: "S4",
  title: `small log events, ${JOBS} jobs in one session`,
  operation: "event",
  size: { warmUp: 10_000, measured: 50_000 },
  targets: USUAL_TARGETS,
  metrics: [{ name: "rate", unit: "events/s", digits: 0 }],
  goals: [atLeast({ id: "S4", metric: "rate", must: 1, aim: 1.6 })],
  async prepare({ url, size: { warmUp, measured } }) {
    const client = await LoadClient.open(url);
    const jobs = (events: number) =>
      Promise.all(
        Array.from({ length: JOBS }, () => client.run(STEPPER, { events: events / JOBS })),
      );
    await jobs(warmUp);
    return {
      async measure() {
        const { frames } = client;
        const started = performance.now();
        await jobs(measured);
        const elapsed = performance.now() - started;
        const came = client.frames - frames;
        if (came !== measured + 2 * JOBS)
          throw new Error(`${came} frames came of ${measured} events`);
        return { rate: (measured / elapsed) * 1000 };
      },
    };
  },
};
