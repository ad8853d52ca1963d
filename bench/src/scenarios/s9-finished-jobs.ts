import { inFlight } from "../in-flight.ts";
import { LoadClient } from "../load-client.ts";
import type { Goal, Scenario } from "../scenario.ts";
import { STEPPER } from "../targets/agents.ts";

const IN_FLIGHT = 16;

/** Submits jobs that return at once, of which all are kept. @param keyed whether each has an idempotency key */
export async function openSubmits(
  url: string,
  keyed: boolean,
): Promise<(count: number) => Promise<void>> {
  const client = await LoadClient.open(url);
  let submitted = 0;
  return (count) =>
    inFlight(count, IN_FLIGHT, () => {
      submitted += 1;
      return client.run(STEPPER, { events: 0 }, keyed ? `key-${submitted}` : undefined);
    });
}

/** The memory that a finished job takes for as long as it is kept. */
const memory = (id: string): Goal => ({
  id,
  title: "memory of runtime per finished job",
  unit: "bytes",
  digits: 0,
  better: "lower",
  must: 5_000,
  aim: 2_500,
  of: (round) => round("runtime", "memory"),
});

function finishedJobs(id: string, title: string, keyed: boolean): Scenario {
  return {
    id,
    title,
    operation: "submit",
    size: { warmUp: 10_000, measured: 40_000 },
    targets: ["runtime"],
    metrics: [{ name: "memory", unit: "bytes/job", digits: 0 }],
    goals: [memory(id)],
    server: { nodeOptions: ["--expose-gc"] },
    async prepare({ url, size: { warmUp, measured } }) {
      const submits = await openSubmits(url, keyed);
      await submits(warmUp);
      return {
        async measure() {
          await submits(measured);
          return {};
        },
      };
    },
    before: async (ask) => ({ memory: (await ask("memoryAtRest", null)).heap }),
    async after(ask, { size: { measured }, sample: { memory = Number.NaN } }) {
      return { memory: ((await ask("memoryAtRest", null)).heap - memory) / measured };
    },
  };
}

export const s9 = finishedJobs("S9", "finished jobs in memory", false);
export const s9k = finishedJobs("S9k", "finished jobs in memory, with keys", true);
