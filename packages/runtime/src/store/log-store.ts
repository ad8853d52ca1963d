import type { JobId } from "@arcp/core";
import type { Bells } from "./bells.ts";
import type { JobChange } from "./job-index.ts";
import type { LongText } from "./long-text.ts";

/**
 * What decides a viewer's view besides who it is (P2): records that need a feature, the one whose secret is filled in for the
 * owner, the one that brings the owner another job, and the one that ends the job.
 */
export type RecordKind =
  | "event"
  | "progress"
  | "result_chunk"
  | "budget"
  | "credential_rotated"
  | "delegate"
  | "terminal";

/** One record of a job's log. Its `job_seq` is its position, from 1. */
export interface LogRecord {
  readonly kind: RecordKind;
  /**
   * The stream envelope as flat JSON without its opening brace and without `arcp`, `session_id` and `event_seq`, which each
   * viewer's projector puts in front. Serialised once, for all readers.
   */
  readonly text: string;
  /**
   * The same text of a long record, outside the heap; reading `text` makes a string of it. A store may keep it as it is, or read
   * `text`.
   */
  readonly long?: LongText | undefined;
}

/** Records of one job that follow the record `after`, in order. */
export interface LogBatch {
  readonly job: JobId;
  /** The `job_seq` of the record before the first of these; 0 for the first of all. */
  readonly after: number;
  /** Long ones can be read until the call has resolved, and after that only by whoever keeps them. */
  readonly records: readonly LogRecord[];
  /**
   * What changes in the job's row of the index along with these records, even if there are none. Nobody may see the change without
   * the records; both are durable when the call resolves.
   */
  readonly change?: JobChange | undefined;
}

/** `fenced`: the log does not end at `after` because somebody else wrote, and nothing of the batch was taken (J1). */
export type AppendOutcome = "appended" | "fenced";

/** Some records of a log, and how far it reaches. */
export interface LogPage {
  /** The highest `job_seq` that is no longer kept; 0 when the log is whole. */
  readonly floor: number;
  /** The highest `job_seq` of the log; 0 when it is empty. */
  readonly head: number;
  /**
   * The records after the requested position, or after `floor` if that is higher. Long ones are lent, see {@link LongText}: a
   * reader that is done with them may give them back.
   */
  readonly records: readonly LogRecord[];
}

/** How much of a log is read at a time. */
export interface PageLimits {
  /** How many records, at most. */
  readonly records: number;
  /** Characters of text, as JavaScript counts them; the first record is returned whatever its size. */
  readonly characters: number;
}

/** The logs of all jobs: appended to in groups, read by position. */
export interface LogStore {
  /**
   * Appends to many logs at once, one batch each. Each batch is a compare-and-set on its job's `job_seq`, and none depends on
   * another. Resolves when everything that was taken is durable, as this store understands the word, with one outcome per batch. A
   * call that was rejected and is made again may be fenced off by its own records: the runtime recognises them, so the store need
   * not.
   */
  append(batches: readonly LogBatch[]): Promise<readonly AppendOutcome[]>;
  /**
   * Reads the records after `after`. An unknown job reads as an empty log. The whole page is of one moment; otherwise a record that
   * was removed meanwhile would be skipped silently (P3).
   * @throws DamagedLog if records that the page would hold cannot be read
   */
  read(job: JobId, after: number, limits: PageLimits): Promise<LogPage>;
  /**
   * Rings after records of this job became durable, perhaps once for many or once too often: listen first, then read. A listener
   * that is not rung waits until the next time, so a store may stay silent only about records of a rejected append. {@link Bells}
   * implements this. @returns a function that takes the bell down
   */
  listen(job: JobId, ring: () => void): () => void;
  /** Removes the whole log, which is empty then and may begin anew. */
  remove(job: JobId): Promise<void>;
}
