import type { Turn } from "../turn.ts";
import { BackpressureError } from "./backpressure-error.ts";

/** The most that may wait, of one kind and on behalf of one job. */
export const BACKLOG_LIMITS = { count: 4096, characters: 64 * 1024 * 1024 };

/** The unfinished calls of an agent, limited so that an agent that never awaits runs into an error (R-14-2). */
export class Backlog {
  readonly #what: string;
  readonly #turn: Turn | undefined;
  #count = 0;
  #characters = 0;
  #relief: PromiseWithResolvers<void> | undefined;
  /** Whether the limit was hit since the last relief. */
  #met = false;

  /**
   * @param what what waits, as text for people
   * @param turn an agent that hit the limit fills the backlog again at once, so only one of the backlogs that share a turn is
   *   relieved per turn
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

  /** @throws BackpressureError if the backlog is full */
  check(): void {
    if (this.#count < BACKLOG_LIMITS.count && this.#characters <= BACKLOG_LIMITS.characters) return;
    this.#met = true;
    throw new BackpressureError(this.#what, this.#count, this.relieved());
  }

  /** Adds an item even if the backlog is full. */
  add(characters: number): void {
    this.#count += 1;
    this.#characters += characters;
  }

  /** Removes finished items. */
  remove(count: number, characters: number): void {
    this.#count -= count;
    this.#characters -= characters;
    this.relieve();
  }

  /** Resolves once some items are finished. One promise, shared by all who wait. */
  relieved(): Promise<void> {
    this.#relief ??= Promise.withResolvers<void>();
    return this.#relief.promise;
  }

  /** Wakes everybody who waits. */
  relieve(): void {
    const relief = this.#relief;
    if (relief === undefined) return;
    this.#relief = undefined;
    if (this.#met && this.#turn !== undefined) void this.#turn.alone().then(relief.resolve);
    else relief.resolve();
    this.#met = false;
  }
}
