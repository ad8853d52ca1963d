import type { Logger } from "pino";

/** What one connection has begun and is not done with before: requests that are handled, the parking of its session. */
export class PendingWork {
  readonly #logger: Logger;
  /** Made with the first. */
  #tasks: Set<Promise<void>> | undefined;

  constructor(logger: Logger) {
    this.#logger = logger;
  }

  get any(): boolean {
    return this.#tasks !== undefined && this.#tasks.size > 0;
  }

  add(task: Promise<void>): void {
    this.#tasks ??= new Set();
    const tasks = this.#tasks.add(task);
    const done = (): unknown => tasks.delete(task);
    task.then(done, (error: unknown) => {
      done();
      this.#logger.error({ err: error }, "a connection failed");
    });
  }

  /** Resolves once all that is under way at this moment is done with. */
  settled(): Promise<unknown> {
    return Promise.allSettled(this.#tasks ?? []);
  }
}
