import { Random } from "../chance/random.ts";
import { isSettled, stepsOf } from "./explore.ts";
import { Divergence, Replay } from "./replay.ts";
import type { Step } from "./step.ts";
import { beginning, type Configuration, type World } from "./world.ts";

export interface Walks {
  readonly steps: number;
  /** States of the model at which the runtime was compared with it. */
  readonly states: number;
  /** The first divergence, and the trace to it. */
  readonly found: { readonly what: Error; readonly trace: readonly string[] } | undefined;
}

const TOO_LONG = 500;

/** Walks through the model's states again and again, preferably on new ways, and has the runtime do the same. */
export async function walk(
  configuration: Configuration,
  { walks, seed = 1 }: { readonly walks: number; readonly seed?: number },
): Promise<Walks> {
  const random = new Random(seed);
  const taken = new Map<string, number>();
  const compared = new Set<string>();
  let steps = 0;
  for (let i = 0; i < walks; i++) {
    const trace: string[] = [];
    try {
      let world = beginning(configuration);
      const replay = await Replay.begin(world, configuration);
      while (trace.length < TOO_LONG) {
        const key = JSON.stringify(world);
        const all = stepsOf(world, configuration);
        const done = all.find(({ name }) => replay.isDone(name, world));
        if (done === undefined) {
          await replay.compare(world);
          compared.add(key);
        }
        const open = done ? [done] : all.filter(({ name }) => replay.fits(name, world));
        const step = leastTaken(open, key, taken, random);
        if (step === undefined) break;
        trace.push(step.name);
        steps += 1;
        const next = JSON.parse(key) as World;
        await step.run(next);
        await replay.play(step.name, next, random.below(2) === 0);
        world = next;
      }
      if (trace.length < TOO_LONG && !isSettled(world)) {
        throw new Divergence("nothing can happen any more, and somebody is owed something");
      }
    } catch (error) {
      const what = error instanceof Error ? error : new Error(String(error));
      return { steps, states: compared.size, found: { what, trace } };
    }
  }
  return { steps, states: compared.size, found: undefined };
}

/** The step taken least often from here; a random one of several. */
function leastTaken(
  open: readonly Step[],
  key: string,
  taken: Map<string, number>,
  random: Random,
): Step | undefined {
  const counted = open.map((step) => {
    return { step, count: taken.get(`${step.name} ${key}`) ?? 0 };
  });
  const least = Math.min(...counted.map(({ count }) => count));
  const best = counted.filter(({ count }) => count === least);
  const { step, count } = best[random.below(best.length)] ?? {};
  if (step !== undefined) taken.set(`${step.name} ${key}`, (count ?? 0) + 1);
  return step;
}
