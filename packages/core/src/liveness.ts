import { type Clock, nextTurn, type Timer } from "./clock.ts";

/** The turns of the event loop in which a peer that seems lost is still listened to. */
const LAST_TURNS = 2;

/** How a peer is asked whether it is there. */
export interface LivenessOptions {
  readonly clock: Clock;
  /** Milliseconds between two signs of life. */
  readonly interval: number;
  /** Sends a ping. */
  readonly ping: () => void;
  /** The peer fell silent. Called at most once, and nothing is called after it. */
  readonly lost: () => void;
}

/**
 * Whether the peer of one connection is still there, seen from either side (section 6.4).
 *
 * 1. A frame costs a look at the clock: the only timer is armed for the earliest moment at which a ping may be due, and
 *    finds out by itself that it came for nothing.
 * 2. Silence is lost only one interval after a ping asked about it, so a process that was itself held up asks first.
 * 3. What waits to be read when the time is up is read before the peer is given up (R-6.4-8).
 */
export class Liveness {
  readonly #options: LivenessOptions;
  #heard: number;
  #spoke: number;
  /** When a whole interval had passed in silence and a ping asked why. */
  #asked: number | undefined;
  #timer: Timer;
  #stopped = false;

  /** Starts at once, as if both sides had just spoken. */
  constructor(options: LivenessOptions) {
    this.#options = options;
    const now = options.clock.monotonic();
    this.#heard = now;
    this.#spoke = now;
    this.#timer = this.#arm();
  }

  /** A frame came in (R-6.4-7). */
  heard(): void {
    this.#heard = this.#options.clock.monotonic();
    this.#asked = undefined;
  }

  /** Something was sent. */
  spoke(): void {
    this.#spoke = this.#options.clock.monotonic();
  }

  /** Gives the timer back; nothing is called any more. */
  stop(): void {
    this.#stopped = true;
    this.#timer.cancel();
  }

  #arm(): Timer {
    const { clock, interval } = this.#options;
    const due = Math.min(this.#spoke, this.#asked ?? this.#heard) + interval;
    return clock.after(due - clock.monotonic(), () => this.#beat());
  }

  #beat(): void {
    const { clock, interval, ping } = this.#options;
    const now = clock.monotonic();
    if (this.#asked !== undefined && now >= this.#asked + interval) {
      void this.#lookAgain();
      return;
    }
    const wonders = this.#asked === undefined && now >= this.#heard + interval;
    if (wonders) this.#asked = now;
    if (wonders || now >= this.#spoke + interval) {
      this.#spoke = now;
      ping();
    }
    if (!this.#stopped) this.#timer = this.#arm();
  }

  async #lookAgain(): Promise<void> {
    for (let turn = 0; turn < LAST_TURNS && this.#asked !== undefined; turn++) await nextTurn();
    if (this.#stopped) return;
    if (this.#asked === undefined) {
      this.#timer = this.#arm();
    } else {
      this.stop();
      this.#options.lost();
    }
  }
}
