import { setTimeout as pause } from "node:timers/promises";
import fc from "fast-check";
import type { HouseName, Program } from "./action.ts";
import { type House, openHouse, type Way } from "./house.ts";
import { type Played, Player } from "./player.ts";
import { aProgram } from "./program.ts";
import { vacate } from "./vacancy.ts";

/** Milliseconds of a house's time that any answer may take, which is longer than any time-out of its own. */
const PATIENCE = 90_000;

export interface FuzzPlan {
  readonly seed: number;
  readonly programs: number;
  /** Actions that a program may have. */
  readonly longest: number;
  /** Milliseconds to look for a shorter program that fails. */
  readonly shrinking: number;
}

export type FuzzTally = Record<keyof Played | "programs" | "actions", number>;

const emptyTally = (): FuzzTally => ({
  programs: 0,
  actions: 0,
  frames: 0,
  answered: 0,
  sessions: 0,
  resumes: 0,
  jobs: 0,
  events: 0,
});

/** A program that breaks a promise of the runtime, as short as it could be made. */
export interface Failure {
  readonly program: Program;
  /** What was wrong, and the frames of the connections concerned. */
  readonly told: string;
}

/** Runtimes of all kinds, each used by one program after the other, until one fails. */
export class Fuzzer implements AsyncDisposable {
  readonly tally = emptyTally();
  /** How often what came: by the code of an error, the type of a message, or the close. */
  readonly outcomes = new Map<string, number>();
  readonly #way: Way;
  readonly #playing: (program: Program) => void;
  readonly #houses = new Map<HouseName, { house: House; timers: number }>();
  readonly #stray: unknown[] = [];
  readonly #caught = (error: unknown): void => void this.#stray.push(error);

  /** @param playing told of each program before it is played */
  constructor(way: Way, playing: (program: Program) => void = () => {}) {
    this.#way = way;
    this.#playing = playing;
    process.on("unhandledRejection", this.#caught);
    process.on("uncaughtException", this.#caught);
  }

  /** @returns what failed first */
  async run(plan: FuzzPlan): Promise<Failure | undefined> {
    const { seed, programs, longest, shrinking } = plan;
    let until = Number.POSITIVE_INFINITY;
    let worst: Failure | undefined;
    const property = fc.asyncProperty(aProgram(longest), async (program) => {
      if (performance.now() > until) return;
      const told = await this.play(program, worst === undefined ? PATIENCE : PATIENCE / 4);
      if (told === undefined) return;
      if (worst === undefined) until = performance.now() + shrinking;
      worst = { program, told };
      throw new Error(told);
    });
    await fc.check(property, { seed, numRuns: programs });
    return worst;
  }

  /** @returns what was wrong, in words */
  async play(program: Program, patience = PATIENCE): Promise<string | undefined> {
    this.#playing(program);
    const { house, timers } = await this.#houseOf(program.house);
    const player = await Player.on(house, patience);
    try {
      const played = await player.play(program.actions);
      await player.leave();
      await vacate(house, timers);
      const [stray] = this.#stray.splice(0);
      if (stray !== undefined) throw stray;
      this.tally.programs += 1;
      this.tally.actions += program.actions.length;
      for (const [name, count] of Object.entries(played)) this.tally[name as keyof Played] += count;
      for (const outcome of player.outcomes) {
        this.outcomes.set(outcome, (this.outcomes.get(outcome) ?? 0) + 1);
      }
      return undefined;
    } catch (error) {
      const story = await Promise.race([
        player.story().catch(String),
        pause(5_000, "  the store does not answer"),
      ]);
      const told = `${error instanceof Error ? error.stack : error}\n${story}`;
      player.abandon();
      this.#houses.delete(program.house);
      await Promise.race([house.close(), pause(500)]);
      this.#stray.length = 0;
      return told;
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    process.off("unhandledRejection", this.#caught);
    process.off("uncaughtException", this.#caught);
    for (const { house } of this.#houses.values()) await house.close();
  }

  async #houseOf(name: HouseName): Promise<{ house: House; timers: number }> {
    const known = this.#houses.get(name);
    if (known !== undefined) return known;
    const house = await openHouse(name, this.#way);
    const opened = { house, timers: house.clock.pending };
    this.#houses.set(name, opened);
    return opened;
  }
}
