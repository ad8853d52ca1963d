import { type Clock, systemClock, type Timer } from "@arcp/core";

/** The system's clock, which knows who has not given back a timer. */
export class CountedClock implements Clock {
  readonly #armed = new Map<symbol, string>();

  now(): number {
    return systemClock.now();
  }

  monotonic(): number {
    return systemClock.monotonic();
  }

  after(ms: number, fire: () => void): Timer {
    const key = Symbol();
    const timer = systemClock.after(ms, () => {
      this.#armed.delete(key);
      fire();
    });
    const by =
      new Error().stack
        ?.split("\n")
        .slice(2, 5)
        .map((line) => line.trim()) ?? [];
    this.#armed.set(key, `${ms} ms ${by.join(" ")}`);
    return {
      cancel: () => {
        this.#armed.delete(key);
        timer.cancel();
      },
    };
  }

  /** The timers that are armed: how long each, and where it was asked for. */
  get armed(): readonly string[] {
    return [...this.#armed.values()];
  }
}
