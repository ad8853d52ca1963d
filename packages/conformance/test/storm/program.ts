import { Random } from "../chaos/random.ts";
import { type DeedName, deeds } from "./deeds.ts";
import type { Weather } from "./weather.ts";

/** What a step does is drawn from numbers of its own, so that it is the same deed when others are left out. */
export interface Step {
  readonly deed: DeedName;
  /** The seed of its numbers. */
  readonly dice: number;
}

/** All that decides what a storm does. */
export interface Program {
  readonly seed: number;
  readonly weather: Weather;
  readonly steps: readonly Step[];
}

const FEWEST = 60;
const MOST = 120;

/** @param weather what the seed does not decide */
export function programOf(seed: number, weather: Omit<Weather, "kept">): Program {
  const random = new Random(seed);
  const kept = random.chance(0.4) ? random.integer(8, 37) : undefined;
  const hat = Object.entries(deeds).flatMap(([name, { weight }]) =>
    Array<DeedName>(weight).fill(name as DeedName),
  );
  const steps = Array.from({ length: random.integer(FEWEST, MOST) }, () => ({
    deed: random.pick(hat),
    dice: random.integer(0, 2 ** 31),
  }));
  return { seed, weather: { ...weather, kept }, steps };
}
