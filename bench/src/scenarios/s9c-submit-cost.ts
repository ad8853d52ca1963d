import type { Goal, Scenario } from "../scenario.ts";
import { median } from "../statistics.ts";
import type { TargetName } from "../targets/target.ts";
import { openSubmits } from "./s9-finished-jobs.ts";

/** Of 1,000 submits each: with fewer, the garbage collector's work would not be shared evenly. */
const PARTS = 55;
/** The median of this many consecutive parts counts: a collection of the whole heap falls into one of them. */
const WIDTH = 5;
/** Each is named after the number of jobs that are finished and kept before it. */
const WINDOWS = [
  { name: "cpu after 1k", first: 1 },
  { name: "cpu after 10k", first: 10 },
  { name: "cpu after 50k", first: 50 },
] as const;

/** How much more a submit costs when fifty times as many jobs are kept. */
const growth = (id: string, target: TargetName): Goal => ({
  id,
  title: `cpu of ${target} after 50k over that after 1k`,
  unit: "x",
  digits: 2,
  better: "lower",
  must: 1.15,
  aim: 1.05,
  of: (round) => round(target, "cpu after 50k") / round(target, "cpu after 1k"),
});

/** The processor time of the server per submit, while more and more finished jobs are kept. */
function submitCost(id: string, title: string, keyed: boolean): Scenario {
  return {
    id,
    title,
    operation: "submit",
    size: { warmUp: 20_000, measured: PARTS * 1_000 },
    warmsElsewhere: true,
    parts: PARTS,
    targets: ["runtime", "runtime-sqlite"],
    metrics: WINDOWS.map(({ name }) => ({ name, unit: "µs/submit", digits: 0 })),
    goals: [growth(id, "runtime"), growth(`${id}d`, "runtime-sqlite")],
    async prepare({ url, size: { warmUp, measured } }) {
      const submits = await openSubmits(url, keyed);
      await submits(warmUp);
      return {
        async measure() {
          await submits(measured / PARTS);
          return {};
        },
      };
    },
    async after(_ask, { size: { measured }, cpu }) {
      const figures = WINDOWS.map(({ name, first }) => {
        const perPart = median(cpu.slice(first, first + WIDTH));
        return [name, perPart / (measured / PARTS)] as const;
      });
      return Object.fromEntries(figures);
    },
  };
}

export const s9c: readonly Scenario[] = [
  submitCost("S9c", "submits while the number of finished jobs grows", false),
  submitCost("S9kc", "submits while the number of finished jobs grows, with keys", true),
];
