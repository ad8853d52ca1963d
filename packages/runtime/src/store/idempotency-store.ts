import type { JobId } from "@arcp/core";

/** An idempotency key that a principal used (section 7.2). */
export interface IdempotencyRecord {
  readonly principal: string;
  readonly key: string;
  /** A hash of what was submitted; equal submits have equal fingerprints (R-7.2-2). */
  readonly fingerprint: string;
  readonly job: JobId;
  /** Milliseconds since 1970. */
  readonly acceptedAt: number;
}

/**
 * The keys of all principals. The runtime puts a record immediately before it inserts the job that the record names. In a store
 * that does one after the other, a crash in between leaves a record that names no job; such a record counts for nothing.
 */
export interface IdempotencyStore {
  /** The record of a key, if the principal used it. */
  get(principal: string, key: string): Promise<IdempotencyRecord | undefined>;
  /** Replaces a record of the same principal and key. */
  put(record: IdempotencyRecord): Promise<void>;
  /** Removes the records that name this job. */
  removeJob(job: JobId): Promise<void>;
}
