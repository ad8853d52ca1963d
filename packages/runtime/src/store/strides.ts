import { setImmediate } from "node:timers/promises";

/** Jobs that a listing looks at in one go, whether or not they match: about a millisecond's work (J4). */
export const STRIDE = 1024;

/** Lets listings that skip many jobs continue in strides: of all listings of a store, one continues per turn of the event loop. */
export class Strides {
  #queue: Promise<void> = Promise.resolve();

  /** Resolves in a turn of the event loop in which no other listing continues. */
  next(): Promise<void> {
    this.#queue = this.#queue.then(() => setImmediate());
    return this.#queue;
  }
}
