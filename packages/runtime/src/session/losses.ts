import type { JobId, MessageId } from "@arcp/core";

/** A subscription, or a history, of which records were gone before its viewer had them (P3). */
export interface Loss {
  readonly job: JobId;
  readonly request: MessageId | undefined;
}

/** A loss as it is remembered. */
interface KnownLoss extends Loss {
  /** How far the numbers went when it was found. */
  readonly at: number;
  /** Whether a connection was there to be told. */
  readonly isReported: boolean;
}

/** What a session's client was told is lost. The word has no number, and goes down with a connection. */
export class Losses {
  /** Made with the first, which few sessions see. */
  #losses: Map<JobId, KnownLoss> | undefined;

  /**
   * @param at the highest number that was issued when it is found
   * @param isReported whether the client is told at that moment
   */
  add({ job, request }: Loss, at: number, isReported = true): void {
    this.#losses ??= new Map();
    this.#losses.set(job, { job, request, at, isReported });
  }

  /** What a client that has seen `after` may not have heard of. */
  since(after: number): readonly KnownLoss[] {
    return [...(this.#losses?.values() ?? [])].filter(({ at }) => at >= after);
  }

  /** The job is followed anew, or gone. */
  forget(job: JobId): void {
    this.#losses?.delete(job);
  }
}
