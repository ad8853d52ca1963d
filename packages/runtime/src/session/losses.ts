import type { JobId, MessageId } from "@arcp/core";

/** A subscription, or a requested history, whose records were gone before its viewer got them (P3). */
export interface Loss {
  readonly job: JobId;
  readonly request: MessageId | undefined;
}

/** A loss as it is remembered. */
interface KnownLoss extends Loss {
  /** The highest issued number when the loss was found. */
  readonly at: number;
  /** Whether a connection was there to be told. */
  readonly isReported: boolean;
}

/** The losses that a session's client was told of. That message has no number, so it may be lost with its connection. */
export class Losses {
  /** Allocated with the first loss: few sessions have one. */
  #losses: Map<JobId, KnownLoss> | undefined;

  /**
   * @param at the highest issued number when the loss is found
   * @param isReported whether the client is told now
   */
  add({ job, request }: Loss, at: number, isReported = true): void {
    this.#losses ??= new Map();
    this.#losses.set(job, { job, request, at, isReported });
  }

  /** The losses that a client which has seen everything up to `after` may not have heard of. */
  since(after: number): readonly KnownLoss[] {
    return [...(this.#losses?.values() ?? [])].filter(({ at }) => at >= after);
  }

  /** Forgets a job's loss, because the job is followed again, or gone. */
  forget(job: JobId): void {
    this.#losses?.delete(job);
  }
}
