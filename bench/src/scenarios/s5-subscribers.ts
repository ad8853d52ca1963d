import { atLeast } from "../goal.ts";
import { LoadClient } from "../load-client.ts";
import type { Scenario } from "../scenario.ts";
import { OPENER, STEPPER } from "../targets/agents.ts";
import { USUAL_TARGETS } from "../targets/target.ts";

const SUBSCRIBERS = 50;
/** The owner reads the stream as well. */
const VIEWERS = SUBSCRIBERS + 1;

/** One job emits small log events, and many sessions watch it. */
export const s5: Scenario = {
  id: "S5",
  title: `small log events, one job to ${SUBSCRIBERS} subscribers and its owner`,
  operation: "delivery",
  size: { warmUp: 1_000 * VIEWERS, measured: 5_000 * VIEWERS },
  targets: USUAL_TARGETS,
  metrics: [{ name: "rate", unit: "deliveries/s", digits: 0 }],
  goals: [atLeast({ id: "S5", metric: "rate", must: 1.5, aim: 2.5 })],
  async prepare({ url, size: { warmUp, measured } }) {
    const features = ["subscribe"];
    const owner = await LoadClient.open(url, { features });
    const subscribers: LoadClient[] = [];
    while (subscribers.length < SUBSCRIBERS) {
      subscribers.push(await LoadClient.open(url, { features }));
    }
    let gates = 0;
    // All have subscribed before the first event.
    const watch = async (deliveries: number): Promise<number> => {
      gates += 1;
      const gate = String(gates);
      const job = await owner.submit(STEPPER, { events: deliveries / VIEWERS, gate });
      const views = await Promise.all(subscribers.map((one) => one.subscribe(job.id)));
      const before = subscribers.map(({ frames }) => frames);
      const started = performance.now();
      void owner.submit(OPENER, { gate });
      await Promise.all([job, ...views].map(({ ended }) => ended));
      const elapsed = performance.now() - started;
      for (const [i, { frames }] of subscribers.entries()) {
        const came = frames - (before[i] ?? 0);
        // The running notice may have come before.
        if (came < deliveries / VIEWERS + 1) throw new Error(`${came} frames came to a subscriber`);
      }
      return elapsed;
    };
    await watch(warmUp);
    return {
      async measure() {
        return { rate: (measured / (await watch(measured))) * 1000 };
      },
    };
  },
};
