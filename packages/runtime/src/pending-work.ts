import type { Logger } from "pino";

/**
 * The work that a connection has in progress and must finish before it is done: requests being handled, its session being parked.
 */
export class PendingWork {
  readonly #logger: Logger;
  #underWay = 0;
  #settled: PromiseWithResolvers<void> | undefined;

  constructor(logger: Logger) {
    this.#logger = logger;
  }

  get any(): boolean {
    return this.#underWay > 0;
  }

  add(task: Promise<void>): void {
    this.#underWay += 1;
    task.then(
      () => this.#done(),
      (error: unknown) => {
        this.#done();
        this.#logger.error({ err: error }, "a connection failed");
      },
    );
  }

  /** Resolves once nothing is in progress. */
  settled(): Promise<void> {
    if (!this.any) return Promise.resolve();
    this.#settled ??= Promise.withResolvers();
    return this.#settled.promise;
  }

  #done(): void {
    this.#underWay -= 1;
    if (this.any) return;
    this.#settled?.resolve();
    this.#settled = undefined;
  }
}
