import { ArcpError } from "@arcp/core";
import type { Logger } from "pino";
import type { Job } from "./jobs/job.ts";
import type { Link } from "./session/session.ts";

export interface StoreLossContext {
  readonly logger: Logger;
  /** The jobs of this runtime. */
  readonly jobs: Iterable<Job>;
  /** The open connections. */
  readonly connections: () => Iterable<Pick<Link, "fail">>;
  /** Stops all timers. */
  readonly stop: () => void;
}

/**
 * Ends a runtime whose store has failed for good. Nothing it could still say is certain, so it tells every client just that.
 * Clients reconnect until another process has opened the store.
 */
export class StoreLoss {
  readonly #context: StoreLossContext;
  readonly #reason = Promise.withResolvers<Error>();
  #refusal: ArcpError | undefined;

  constructor(context: StoreLossContext) {
    this.#context = context;
  }

  /** Resolves with the reason. Never rejects. */
  get reason(): Promise<Error> {
    return this.#reason.promise;
  }

  /** The error for everybody from then on; undefined before. */
  get refusal(): ArcpError | undefined {
    return this.#refusal;
  }

  /** @param text the log message */
  happened(thrown: unknown, text: string): void {
    if (this.#refusal !== undefined) return;
    const error = thrown instanceof Error ? thrown : new Error(String(thrown));
    const { logger, jobs, connections, stop } = this.#context;
    logger.error({ err: error }, text);
    this.#refusal = new ArcpError(
      "INTERNAL_ERROR",
      "the runtime has lost its store and serves nobody until it is started again",
      { details: { reason: "store_lost" } },
    );
    // Comes first, so that a request that fails because of the loss is repeated on the next connection, and not refused on this
    // one.
    for (const connection of connections()) connection.fail(this.#refusal, "fault");
    // What agents do from here on cannot be logged.
    for (const job of jobs) if (job.live) job.life.lose(error, "closed");
    stop();
    this.#reason.resolve(error);
  }
}
