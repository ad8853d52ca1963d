/** What comes before the first task: one promise for all, since most sequences of most sessions never see a task. */
const NOTHING: Promise<unknown> = Promise.resolve();

/** Runs tasks one after the other, in the order in which they were handed over. */
export class Sequence {
  #last = NOTHING;

  /** @returns what the task returns; its failure does not keep the next one from its turn */
  run<T>(task: () => T | Promise<T>): Promise<T> {
    const next = (): T | Promise<T> => task();
    const done = this.#last.then(next, next);
    this.#last = done;
    return done;
  }
}
