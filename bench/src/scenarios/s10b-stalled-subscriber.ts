import { noMoreThan } from "../goal.ts";
import { LoadClient } from "../load-client.ts";
import type { Scenario } from "../scenario.ts";
import { percentile } from "../statistics.ts";
import { OPENER, STEPPER } from "../targets/agents.ts";

const PAIRS = 5;

/** How long an owner waits for its events beside a subscriber that has stopped reading, compared with none, in turn. */
export const s10b: Scenario = {
  id: "S10b",
  title: "the owner's time next to a stalled subscriber",
  operation: "event",
  size: { warmUp: 50_000, measured: 50_000 * 2 * PAIRS },
  targets: ["runtime", "runtime-sqlite"],
  metrics: [
    { name: "alone", unit: "ms", digits: 0 },
    { name: "with stalled", unit: "ms", digits: 0 },
    { name: "slowdown", unit: "x", digits: 2 },
  ],
  goals: [
    noMoreThan({ id: "S10b", metric: "slowdown", unit: "x", digits: 2, must: 2, aim: 1.2 }),
    noMoreThan({
      id: "S10bd",
      metric: "slowdown",
      target: "runtime-sqlite",
      unit: "x",
      digits: 2,
      must: 2,
      aim: 1.2,
    }),
  ],
  async prepare({ url, size: { warmUp, measured } }) {
    const features = ["subscribe"];
    const owner = await LoadClient.open(url, { features });
    let gates = 0;
    const time = async (events: number, stalled: boolean): Promise<number> => {
      gates += 1;
      const gate = String(gates);
      const job = await owner.submit(STEPPER, { events, gate });
      if (stalled) {
        const subscriber = await LoadClient.open(url, { features });
        await subscriber.subscribe(job.id);
        subscriber.stall();
      }
      const started = performance.now();
      void owner.submit(OPENER, { gate });
      await job.ended;
      return performance.now() - started;
    };
    await time(warmUp, false);
    return {
      async measure() {
        const [alone, beside]: [number[], number[]] = [[], []];
        for (let i = 0; i < PAIRS; i++) {
          alone.push(await time(measured / 2 / PAIRS, false));
          beside.push(await time(measured / 2 / PAIRS, true));
        }
        const medians = { alone: percentile(alone, 0.5), "with stalled": percentile(beside, 0.5) };
        return { ...medians, slowdown: medians["with stalled"] / medians.alone };
      },
    };
  },
};
