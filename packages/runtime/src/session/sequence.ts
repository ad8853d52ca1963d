/** The initial predecessor, shared by all: most sequences of most sessions never get a task. */
const NOTHING: Promise<unknown> = Promise.resolve();

/** Runs tasks one after the other, in the order of the calls. */
export class Sequence {
  #last = NOTHING;

  /** @returns what the task returns; if it fails, the next one runs nevertheless */
  run<T>(task: () => T | Promise<T>): Promise<T> {
    const next = (): T | Promise<T> => task();
    const done = this.#last.then(next, next);
    this.#last = done;
    return done;
  }
}
