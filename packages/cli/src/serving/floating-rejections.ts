import { AsyncLocalStorage } from "node:async_hooks";
import { inspect } from "node:util";
import type { JobAttempt, Observer } from "@arcp/runtime";
import type { Logger } from "pino";

/**
 * Handles rejections that nobody waits for, such as that of a promise that an agent forgot. Node would end the process, and with it
 * everybody else's jobs. Here they are logged, with the job that they belong to.
 */
export class FloatingRejections implements Disposable {
  readonly #jobs = new AsyncLocalStorage<JobAttempt>();
  readonly #take: (reason: unknown) => void;

  constructor(log: Logger) {
    this.#take = (reason) => {
      const { id: job, agent } = this.#jobs.getStore() ?? {};
      const text = "a promise was rejected and nobody awaits it";
      try {
        const err = reason instanceof Error ? reason : { message: inspect(reason) };
        log.error({ job, agent, err }, text);
      } catch {
        log.error({ job, agent }, `${text}, with an error that cannot be shown`);
      }
    };
    process.on("unhandledRejection", this.#take);
  }

  /** For the runtime; it tells which job is running. */
  readonly observer: Observer = {
    job: (attempt) => ({ within: (run) => this.#jobs.run(attempt, run) }),
  };

  [Symbol.dispose](): void {
    process.off("unhandledRejection", this.#take);
  }
}
