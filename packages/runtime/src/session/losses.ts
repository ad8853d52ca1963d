import type { JobId, MessageId } from "@arcp/core";

/** A subscription, or a history, of which records were gone before its viewer had them (P3). */
export interface Loss {
  readonly job: JobId;
  readonly request: MessageId | undefined;
}

/** What a session's client was told is lost. The word has no number, and goes down with a connection. */
export class Losses {
  /** Each with how far the numbers went then; made with the first, which few sessions see. */
  #losses: Map<JobId, Loss & { readonly at: number }> | undefined;

  /** @param at the highest number that was issued when the client is told */
  add({ job, request }: Loss, at: number): void {
    this.#losses ??= new Map();
    this.#losses.set(job, { job, request, at });
  }

  /** What a client that has seen `after` may not have heard of. */
  since(after: number): readonly Loss[] {
    return [...(this.#losses?.values() ?? [])].filter(({ at }) => at >= after);
  }

  /** The job is followed anew, or gone. */
  forget(job: JobId): void {
    this.#losses?.delete(job);
  }
}
