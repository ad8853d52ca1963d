import { Random } from "../chaos/random.ts";
import type { StoreName } from "../shelf.ts";
import { deeds } from "./deeds.ts";
import { type Program, programOf } from "./program.ts";
import { reckon } from "./reckoning.ts";
import { Scene } from "./scene.ts";
import { shortest } from "./shortest.ts";
import { survey } from "./survey.ts";
import type { Weather } from "./weather.ts";

export interface StormPlan {
  /** Of the first program; the others follow. */
  readonly seed: number;
  readonly programs: number;
  readonly store: StoreName;
  /** How many of a hundred writes fail; what sqlite does cannot be made to. */
  readonly trouble: number;
  /** Milliseconds to look for a shorter program that fails. */
  readonly shrinking: number;
}

export type StormTally = Record<
  "programs" | "steps" | "crashes" | "resumes" | "events" | "translations",
  number
>;

/**
 * Sessions that drop, are taken over, come back with the newest token or the one before, outlive runtimes, run out of time, submit
 * under keys, delegate, adopt, watch, acknowledge and cancel, while agents do whatever agents do, over a store that is late, that
 * fails and that forgets. What is promised all the same is looked at frame by frame (P1 to P5).
 */
export class Storm {
  readonly tally: StormTally = {
    programs: 0,
    steps: 0,
    crashes: 0,
    resumes: 0,
    events: 0,
    translations: 0,
  };

  /** @returns what failed first, in words: its seed, and the shortest program that fails likewise with what came of it */
  async run({ seed, programs, store, trouble, shrinking }: StormPlan): Promise<string | undefined> {
    const weather: Omit<Weather, "kept"> = { store, trouble };
    for (let at = seed; at < seed + programs; at++) {
      const program = programOf(at, weather);
      const told = await this.play(program);
      if (told === undefined) continue;
      const fails = async (one: Program) => (await this.play(one)) !== undefined;
      const short = await shortest(program, fails, shrinking);
      const story = (await this.play(short)) ?? told;
      return `seed ${at} over ${store}, trouble ${trouble}: ${story}\n${JSON.stringify(short)}`;
    }
    return undefined;
  }

  /** @returns what was wrong, in words */
  async play({ seed, weather, steps }: Program): Promise<string | undefined> {
    const scene = new Scene(weather, seed);
    try {
      await scene.invite(new Random(seed));
      for (const { deed, dice } of steps) {
        const random = new Random(dice);
        await deeds[deed].act(scene, random);
        await breathe(scene, random);
      }
      await reckon(scene, new Random(seed));
    } catch (error) {
      await scene.house.abandon();
      const what = error instanceof Error ? `${error.message}\n${error.stack}` : `${error}`;
      return `${scene.story.named(what)}\n${scene.story.text}`;
    }
    const { guests, tally } = scene;
    this.tally.programs += 1;
    this.tally.steps += steps.length;
    this.tally.crashes += tally.crashes;
    this.tally.resumes += tally.resumes;
    this.tally.translations += tally.translations;
    for (const { account } of guests) this.tally.events += account.size;
    return undefined;
  }
}

/** What happens between two deeds: little time passes, and sometimes all comes to rest and is looked at. */
async function breathe(scene: Scene, random: Random): Promise<void> {
  const { house } = scene;
  if (random.chance(0.3)) await house.settle(random.integer(0, 11));
  house.clock.advance(random.integer(0, 2) * 25);
  await house.settle(1);
  scene.note();
  if (random.chance(0.12)) await survey(scene, random);
}
