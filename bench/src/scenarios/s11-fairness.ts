import { noMoreThan } from "../goal.ts";
import { LoadClient } from "../load-client.ts";
import type { Scenario } from "../scenario.ts";
import { percentile } from "../statistics.ts";
import {
  FLOODER,
  type FlooderInput,
  STAMP,
  STAMPER,
  type StamperInput,
  sharedClock,
} from "../targets/agents.ts";

interface Stamp {
  readonly payload: { readonly body: { readonly attributes: { readonly at: number } } };
}

const stamps: StamperInput = { events: 100, interval: 10 };

/** How late the small events of one job come while another one floods the same session, whose reader keeps up. */
function fairness(id: string, awaits: boolean): Scenario {
  return {
    id,
    title: `a job's events next to a flood, in its session, that awaits ${awaits ? "each event" : "nothing"}`,
    operation: "event of one flood",
    size: { warmUp: 50_000, measured: 100_000 },
    targets: ["runtime", "runtime-sqlite"],
    metrics: [
      { name: "p50", unit: "ms", digits: 1 },
      { name: "p99", unit: "ms", digits: 1 },
      { name: "flood", unit: "events/s", digits: 0 },
    ],
    goals: [
      noMoreThan({ id, metric: "p99", unit: "ms", must: 50, aim: 20 }),
      noMoreThan({
        id: `${id}d`,
        metric: "p99",
        target: "runtime-sqlite",
        unit: "ms",
        must: 50,
        aim: 20,
      }),
    ],
    async prepare({ url, size: { warmUp, measured } }) {
      const delays: number[] = [];
      const seen = (event: unknown): void => {
        // Only the stamper's events contain the watched text.
        const { at } = (event as Stamp).payload.body.attributes;
        delays.push((sharedClock() - at) / 1000);
      };
      const text = `"message":"${STAMP}"`;
      const client = await LoadClient.open(url, { watch: { text, seen } });
      const flood = (events: number): FlooderInput => ({ events, awaits, gate: "none" });
      await client.run(FLOODER, flood(warmUp));
      return {
        async measure() {
          let beside = true;
          const stamped = client.run(STAMPER, stamps).finally(() => {
            beside = false;
          });
          const started = performance.now();
          let events = 0;
          // One flood right after the other, for as long as it takes.
          for (; beside; events += measured) await client.run(FLOODER, flood(measured));
          const elapsed = performance.now() - started;
          await stamped;
          return {
            p50: percentile(delays, 0.5),
            p99: percentile(delays, 0.99),
            flood: (events / elapsed) * 1000,
          };
        },
      };
    },
  };
}

export const s11: readonly Scenario[] = [fairness("S11", true), fairness("S11n", false)];
