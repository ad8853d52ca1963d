import type { JobId } from "@arcp/core";
import type { Bells } from "./bells.ts";
import type { JobChange } from "./job-index.ts";
import type { LongText } from "./long-text.ts";

/**
 * What a viewer's view is decided by besides who it is (P2): records that need a feature, the one whose secret is
 * filled in for the owner, the one that brings the owner a further job, and the one that ends the job.
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
   * The stream envelope as flat JSON without its opening brace and without `arcp`, `session_id` and `event_seq`, which
   * each viewer's projector puts in front. Serialised once, whoever reads it.
   */
  readonly text: string;
  /** The same text of a long record, outside of the heap: `text` makes a string of it. A store may keep it as it is, or read `text`. */
  readonly long?: LongText | undefined;
}

/** Records of one job that follow the record `after`, in order. */
export interface LogBatch {
  readonly job: JobId;
  /** The `job_seq` of the record before the first of these; 0 for the first of all. */
  readonly after: number;
  /** Those that are long can be read until the call has resolved, and from then on by who keeps them. */
  readonly records: readonly LogRecord[];
  /**
   * What changes of the job's row in the index with these records, of which there may be none. Nobody may find it without
   * them; both are durable when the call resolves.
   */
  readonly change?: JobChange | undefined;
}

/** `fenced`: the log does not end at `after`, somebody else wrote, and nothing of the batch was taken (J1). */
export type AppendOutcome = "appended" | "fenced";

/** Some records of a log, and how far it reaches. */
export interface LogPage {
  /** The highest `job_seq` that is no longer kept; 0 when the log is whole. */
  readonly floor: number;
  /** The highest `job_seq` of the log; 0 when it is empty. */
  readonly head: number;
  /**
   * The records after the asked position, or after `floor` where that is higher. Those that are long are lent, see
   * {@link LongText}: whoever is done with them may give them back.
   */
  readonly records: readonly LogRecord[];
}

/** How much of a log is read at a time. */
export interface PageLimits {
  /** How many records, at most. */
  readonly records: number;
  /** Characters of text, as JavaScript counts them; the first record comes whatever its size. */
  readonly characters: number;
}

/** The logs of all jobs: appended to in groups, read by position. */
export interface LogStore {
  /**
   * Appends to many logs at once, one batch each; each is a compare-and-set on its job's `job_seq`, and none depends on another.
   * Resolves when all that was taken is durable, as this store understands the word, with one outcome per batch. Made again after
   * it was rejected it may be fenced off by its own records: the runtime recognises them, where the store itself need not.
   */
  append(batches: readonly LogBatch[]): Promise<readonly AppendOutcome[]>;
  /**
   * Reads what follows `after`. An unknown job reads as an empty log. All of the page is of one moment, or a record that went
   * meanwhile would be passed over in silence (P3).
   * @throws DamagedLog when records that the page would hold cannot be read
   */
  read(job: JobId, after: number, limits: PageLimits): Promise<LogPage>;
  /**
   * Rings after records of this job became durable, once for many or once too often: arm it first, then read. Who is not rung for
   * waits until the next time, so only what came of an append that was rejected may be passed over in silence.
   * {@link Bells} keeps them. @returns takes the bell down
   */
  listen(job: JobId, ring: () => void): () => void;
  /** Removes the whole log: it is empty then, and may begin anew. */
  remove(job: JobId): Promise<void>;
}
