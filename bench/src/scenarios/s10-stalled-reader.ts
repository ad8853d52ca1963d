import { setTimeout } from "node:timers/promises";
import { noMoreThan } from "../goal.ts";
import { LoadClient } from "../load-client.ts";
import type { Scenario } from "../scenario.ts";
import { percentile } from "../statistics.ts";
import { FLOODER, type FlooderInput, STEPPER } from "../targets/agents.ts";

const MIB = 2 ** 20;
/** Milliseconds between two pings. */
const PAUSE = 5;

/** The owner of a job stops reading while the job floods it, and another session goes on. */
function stalledReader(id: string, awaits: boolean): Scenario {
  return {
    id,
    title: `a stalled reader of a flood that awaits ${awaits ? "each event" : "nothing"}`,
    operation: "event",
    size: { warmUp: 200_000, measured: 200_000 },
    targets: ["runtime", "runtime-sqlite"],
    metrics: [
      { name: "rss rise", unit: "MiB", digits: 1 },
      { name: "log", unit: "MiB", digits: 1 },
      { name: "excess rss", unit: "MiB", digits: 1 },
      { name: "ping p50", unit: "ms", digits: 1 },
      { name: "ping max", unit: "ms", digits: 1 },
    ],
    goals: (["runtime", "runtime-sqlite"] as const).flatMap((target) => {
      const of = target === "runtime" ? id : `${id}d`;
      return [
        noMoreThan({ id: of, metric: "excess rss", target, unit: "MiB", must: 64, aim: 40 }),
        noMoreThan({ id: of, metric: "ping max", target, unit: "ms", must: 100, aim: 20 }),
      ];
    }),
    server: { nodeOptions: ["--expose-gc"] },
    async prepare({ url, target, size: { warmUp, measured } }) {
      const owner = await LoadClient.open(url);
      const other = await LoadClient.open(url, { features: ["heartbeat"] });
      const witness = await LoadClient.open(url);
      const flood = (events: number, gate: string): FlooderInput => ({ events, awaits, gate });
      await owner.run(FLOODER, flood(warmUp, "warm"));
      const text = owner.bytes / owner.frames - owner.prefix;
      return {
        async measure() {
          // Passes the gate that the flood opens at its end, of which its own reader will not learn.
          const over = await witness.submit(STEPPER, { events: 0, gate: "over" });
          await owner.submit(FLOODER, flood(measured, "over"));
          owner.stall();
          let flooding = true;
          const ended = over.ended.finally(() => {
            flooding = false;
          });
          const times: number[] = [];
          while (flooding) {
            const asked = performance.now();
            await other.ping();
            times.push(performance.now() - asked);
            await setTimeout(PAUSE);
          }
          await ended;
          return {
            log: target === "runtime" ? (text * measured) / MIB : 0,
            "ping p50": percentile(times, 0.5),
            "ping max": Math.max(...times),
          };
        },
      };
    },
    async before(ask) {
      const { rss } = await ask("memoryAtRest", null);
      await ask("watchMemory", null);
      return { rested: rss };
    },
    async after(ask, { sample: { rested = 0, log = 0 } }) {
      const rise = ((await ask("peakMemory", null)) - rested) / MIB;
      return { "rss rise": rise, "excess rss": rise - log };
    },
  };
}

export const s10: readonly Scenario[] = [stalledReader("S10", true), stalledReader("S10n", false)];
