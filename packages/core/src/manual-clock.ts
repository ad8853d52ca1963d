import type { Clock, Timer } from "./clock.ts";

/** A clock that moves only when told to, for tests of agents, runtimes and clients. */
export class ManualClock implements Clock {
  #now: number;
  #elapsed = 0;
  readonly #pending = new Map<symbol, { due: number; fire: () => void }>();

  /** @param start the initial wall clock time, in milliseconds since 1970 */
  constructor(start = Date.UTC(2026, 0, 1)) {
    this.#now = start;
  }

  now(): number {
    return this.#now;
  }

  monotonic(): number {
    return this.#elapsed;
  }

  after(ms: number, fire: () => void): Timer {
    const key = Symbol();
    this.#pending.set(key, { due: this.#elapsed + Math.max(0, ms), fire });
    return { cancel: () => void this.#pending.delete(key) };
  }

  /** How many timers are armed; lets tests check for leaks. */
  get pending(): number {
    return this.#pending.size;
  }

  /** Lets `ms` milliseconds pass and fires the timers that fall due, in order. */
  advance(ms: number): void {
    const end = this.#elapsed + ms;
    for (;;) {
      const next = [...this.#pending].sort(([, a], [, b]) => a.due - b.due)[0];
      if (next === undefined || next[1].due > end) break;
      const [key, { due, fire }] = next;
      this.#pending.delete(key);
      this.#step(due - this.#elapsed);
      fire();
    }
    // A timer may have moved the clock further.
    if (end > this.#elapsed) this.#step(end - this.#elapsed);
  }

  /** Shifts the wall clock by `ms` milliseconds without letting time pass, as an administrator or NTP might. */
  jump(ms: number): void {
    this.#now += ms;
  }

  #step(ms: number): void {
    this.#elapsed += ms;
    this.#now += ms;
  }
}
