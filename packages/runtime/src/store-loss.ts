import { ArcpError } from "@arcp/core";
import type { Logger } from "pino";
import type { Job } from "./jobs/job.ts";
import type { Link } from "./session/session.ts";

export interface StoreLossContext {
  readonly logger: Logger;
  /** Those that this runtime runs. */
  readonly jobs: Iterable<Job>;
  /** Those that are open. */
  readonly connections: () => Iterable<Pick<Link, "fail">>;
  /** Takes down what would go on by the clock. */
  readonly stop: () => void;
}

/**
 * The end of a runtime whose store has failed for good. Nothing that it would say is certain any more, so it says so, to
 * everybody, and nothing else: clients come back until another process has taken the store up, and go on there.
 */
export class StoreLoss {
  readonly #context: StoreLossContext;
  readonly #reason = Promise.withResolvers<Error>();
  #refusal: ArcpError | undefined;

  constructor(context: StoreLossContext) {
    this.#context = context;
  }

  /** Resolves with why it happened. Never rejects. */
  get reason(): Promise<Error> {
    return this.#reason.promise;
  }

  /** What everybody is told from then on; undefined before. */
  get refusal(): ArcpError | undefined {
    return this.#refusal;
  }

  /** @param text for the log */
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
    // First of all: a request that fails for it is asked again on the next connection, and not refused on this one.
    for (const connection of connections()) connection.fail(this.#refusal, "fault");
    // What an agent does from here on would be in no log.
    for (const job of jobs) if (job.live) job.life.lose(error, "closed");
    stop();
    this.#reason.resolve(error);
  }
}
