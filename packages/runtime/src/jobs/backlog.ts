import type { Turn } from "../turn.ts";
import { BackpressureError } from "./backpressure-error.ts";

/** What of one kind may wait on behalf of one job. */
export const BACKLOG_LIMITS = { count: 4096, characters: 64 * 1024 * 1024 };

/** What an agent has asked for and is not done, bounded, so that one that never awaits meets an end (R-14-2). */
export class Backlog {
  readonly #what: string;
  readonly #turn: Turn | undefined;
  #count = 0;
  #characters = 0;
  #relief: PromiseWithResolvers<void> | undefined;
  /** Whether somebody met the bound since the last relief. */
  #met = false;

  /**
   * @param what waits in it, for humans
   * @param turn whoever met the bound will fill it again at once: of all backlogs that have it, one in a turn is relieved
   */
  constructor(what: string, turn?: Turn) {
    this.#what = what;
    this.#turn = turn;
  }

  get count(): number {
    return this.#count;
  }

  get characters(): number {
    return this.#characters;
  }

  /** @throws BackpressureError when it takes nothing more */
  check(): void {
    if (this.#count < BACKLOG_LIMITS.count && this.#characters <= BACKLOG_LIMITS.characters) return;
    this.#met = true;
    throw new BackpressureError(this.#what, this.#count, this.relieved());
  }

  /** Takes one more, whether there is room or not. */
  add(characters: number): void {
    this.#count += 1;
    this.#characters += characters;
  }

  /** Some are done. */
  remove(count: number, characters: number): void {
    this.#count -= count;
    this.#characters -= characters;
    this.relieve();
  }

  /** Resolves once some are done; one promise, shared by all who wait for it. */
  relieved(): Promise<void> {
    this.#relief ??= Promise.withResolvers<void>();
    return this.#relief.promise;
  }

  /** Nobody has to wait any longer. */
  relieve(): void {
    const relief = this.#relief;
    if (relief === undefined) return;
    this.#relief = undefined;
    if (this.#met && this.#turn !== undefined) void this.#turn.alone().then(relief.resolve);
    else relief.resolve();
    this.#met = false;
  }
}
