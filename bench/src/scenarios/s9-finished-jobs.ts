import { inFlight } from "../in-flight.ts";
import { LoadClient } from "../load-client.ts";
import type { Goal, Scenario } from "../scenario.ts";
import { median } from "../statistics.ts";
import { STEPPER } from "../targets/agents.ts";
import type { TargetName } from "../targets/target.ts";

const IN_FLIGHT = 16;
const PARTS = 48;
/** Of which the median counts: the garbage collector does most of its work in some of them. */
const NEIGHBOURS = 4;
/** The first comes when the code is compiled; before, a submit costs several times as much. */
const WINDOWS = [
  { name: "cpu at 6k", first: 0 },
  { name: "cpu at 10k", first: 4 },
  { name: "cpu at 50k", first: PARTS - NEIGHBOURS },
] as const;

/** What a finished job costs for as long as it is kept. */
const memory = (id: string): Goal => ({
  id,
  title: "memory of runtime per finished job",
  unit: "bytes",
  digits: 0,
  better: "lower",
  must: 5_000,
  aim: 2_500,
  of: (round) => round("runtime", "held"),
});

/** What a submit costs more when eight times as many jobs are kept. */
const growth = (id: string, target: TargetName): Goal => ({
  id,
  title: `cpu of ${target} at 50k over that at 6k`,
  unit: "x",
  digits: 2,
  better: "lower",
  must: 1.15,
  aim: 1.05,
  of: (round) => round(target, "cpu at 50k") / round(target, "cpu at 6k"),
});

/** Jobs that return at once, of which all are kept. @param keyed whether each has an idempotency key */
function finishedJobs(id: string, title: string, keyed: boolean): Scenario {
  return {
    id,
    title,
    operation: "submit",
    // The windows are 4,000 wide: from 4,000, 8,000 and 48,000 on.
    size: { warmUp: 4_000, measured: 48_000 },
    parts: PARTS,
    targets: ["runtime", "runtime-sqlite"],
    metrics: [
      { name: "held", unit: "bytes/job", digits: 0 },
      ...WINDOWS.map(({ name }) => ({ name, unit: "us/submit", digits: 0 })),
    ],
    goals: [memory(id), growth(id, "runtime"), growth(`${id}d`, "runtime-sqlite")],
    server: { nodeOptions: ["--expose-gc"] },
    async prepare({ url, size: { warmUp, measured } }) {
      const client = await LoadClient.open(url);
      let submitted = 0;
      const submits = (count: number) =>
        inFlight(count, IN_FLIGHT, () => {
          submitted += 1;
          return client.run(STEPPER, { events: 0 }, keyed ? `key-${submitted}` : undefined);
        });
      await submits(warmUp);
      return {
        async measure() {
          await submits(measured / PARTS);
          return {};
        },
      };
    },
    before: async (ask) => ({ held: (await ask("memoryAtRest", null)).heap }),
    async after(ask, { size: { measured }, sample: { held = Number.NaN }, cpu }) {
      const perSubmit = ({ first }: (typeof WINDOWS)[number]): number =>
        median(cpu.slice(first, first + NEIGHBOURS)) / (measured / PARTS);
      return {
        held: ((await ask("memoryAtRest", null)).heap - held) / measured,
        ...Object.fromEntries(WINDOWS.map((window) => [window.name, perSubmit(window)])),
      };
    },
  };
}

export const s9 = finishedJobs("S9", "finished jobs that are kept", false);
export const s9k = finishedJobs("S9k", "finished jobs that are kept, with keys", true);
