/** Runs tasks one after the other, in the order in which they were handed over. */
export class Sequence {
  #last: Promise<unknown> = Promise.resolve();

  /** @returns what the task returns; its failure does not keep the next one from its turn */
  run<T>(task: () => T | Promise<T>): Promise<T> {
    const done = this.#last.then(task);
    this.#last = done.catch(() => {});
    return done;
  }
}
