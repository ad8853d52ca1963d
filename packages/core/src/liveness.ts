import { type Clock, nextTurn, type Timer } from "./clock.ts";

/** For how many turns of the event loop a peer that seems lost is still listened to. */
const LAST_TURNS = 2;

/** How to probe whether a peer is still there. */
export interface LivenessOptions {
  readonly clock: Clock;
  /** Milliseconds between two signs of life. */
  readonly interval: number;
  /** Sends a ping. */
  readonly ping: () => void;
  /** Called at most once, when the peer has fallen silent; nothing is called after that. */
  readonly lost: () => void;
}

/**
 * Watches whether the peer of one connection is still there; used on either side (section 6.4).
 *
 * 1. A frame costs no more than a look at the clock: it does not re-arm the only timer, which is armed for the earliest moment
 *    at which a ping may be due and, when it fires, checks whether one really is.
 * 2. A silent peer counts as lost only one interval after a ping, so a process that was itself held up asks first.
 * 3. Once the time is up, frames that wait to be read are read before the peer is given up (R-6.4-8).
 */
export class Liveness {
  readonly #options: LivenessOptions;
  #heard: number;
  #spoke: number;
  /** When a ping was sent because the peer had been silent for a whole interval; undefined unless one is unanswered. */
  #asked: number | undefined;
  #timer: Timer;
  #stopped = false;

  /** Starts at once, as if both sides had just sent something. */
  constructor(options: LivenessOptions) {
    this.#options = options;
    const now = options.clock.monotonic();
    this.#heard = now;
    this.#spoke = now;
    this.#timer = this.#arm();
  }

  /** Notes that a frame was received (R-6.4-7). */
  heard(): void {
    this.#heard = this.#options.clock.monotonic();
    this.#asked = undefined;
  }

  /** Notes that something was sent. */
  spoke(): void {
    this.#spoke = this.#options.clock.monotonic();
  }

  /** Cancels the timer; nothing is called any more. */
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
