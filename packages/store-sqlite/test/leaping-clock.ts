import { type Clock, systemClock, type Timer } from "@arcp/core";

interface Armed {
  readonly due: number;
  readonly fire: () => void;
  timer: Timer;
}

/** The system's clock, which can be moved forward. */
export class LeapingClock implements Clock {
  #ahead = 0;
  readonly #armed = new Set<Armed>();

  now(): number {
    return systemClock.now() + this.#ahead;
  }

  monotonic(): number {
    return systemClock.monotonic() + this.#ahead;
  }

  after(ms: number, fire: () => void): Timer {
    const due = this.monotonic() + ms;
    const armed: Armed = { due, fire, timer: this.#arm(due, () => this.#fire(armed)) };
    this.#armed.add(armed);
    return {
      cancel: () => {
        this.#armed.delete(armed);
        armed.timer.cancel();
      },
    };
  }

  /** Lets this many milliseconds pass at once. Timers due by then fire soon. */
  leap(ms: number): void {
    this.#ahead += ms;
    for (const armed of this.#armed) {
      armed.timer.cancel();
      armed.timer = this.#arm(armed.due, () => this.#fire(armed));
    }
  }

  #arm(due: number, fire: () => void): Timer {
    return systemClock.after(Math.max(0, due - this.monotonic()), fire);
  }

  #fire(armed: Armed): void {
    this.#armed.delete(armed);
    armed.fire();
  }
}
