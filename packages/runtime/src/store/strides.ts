import { setImmediate } from "node:timers/promises";

/** Jobs that a listing looks at in one go, whether or not they fit: about a millisecond's work (J4). */
export const STRIDE = 1024;

/** Lets listings that pass over many jobs go on in strides: of all that a store works at, one in a turn of the event loop. */
export class Strides {
  #queue: Promise<void> = Promise.resolve();

  /** Resolves in a turn in which nobody else of the line goes on. */
  next(): Promise<void> {
    this.#queue = this.#queue.then(() => setImmediate());
    return this.#queue;
  }
}
