import type { CredentialStore } from "./credential-store.ts";
import type { IdempotencyStore } from "./idempotency-store.ts";
import type { JobIndex } from "./job-index.ts";
import type { LogStore } from "./log-store.ts";
import type { SessionStore } from "./session-store.ts";

/**
 * Where a runtime keeps what must not be lost: several small interfaces, without transactions across them, so that a
 * log and a key-value bucket on the far side of a network can serve as well as a file.
 *
 * - A call that changes something resolves once that is durable; what a read tells is durable too (J2).
 * - Over all of them together changes take place in the order in which they were asked for, and what was asked for first is
 *   durable no later than what came after it. Nobody waits for one before asking for the next. A read that is asked for beside a
 *   change may see it or not.
 * - A call may take long. The runtime waits for it and goes on with all else, while one that rejects is made again a few times
 *   within three seconds, and then given up with the jobs that it was about.
 * - A call that rejects may have taken place all the same, but does so no later. Whoever made it asks once more, or takes it back:
 *   to ask for what is there changes nothing.
 * - One runtime at a time has it open: whichever starts takes what is unfinished for what a process left that is gone. Another one is
 *   refused with a LocalError `MISUSE`, or takes the store over, which has then failed for the first.
 *
 * Ids of jobs and sessions, and aliases of credentials, are ASCII, and sorted by its codes. Other texts may be any string, with lone
 * surrogates and U+0000, save the text of a record, and what a run says in place of one, which are JSON and have neither. Of what
 * clients name an id has up to 128 characters, a key up to 256. Times may have parts of a millisecond.
 */
export interface Store {
  /** What jobs said, record by record. */
  readonly logs: LogStore;
  /** What is known of each job beside its log. */
  readonly jobs: JobIndex;
  /** Who follows what, and how far. */
  readonly sessions: SessionStore;
  /** Which submits were made under a key. */
  readonly idempotency: IdempotencyStore;
  /** What has still to be revoked. */
  readonly credentials: CredentialStore;
  /** Whether it outlives the process: then finished jobs are kept for days, and a restart goes on (R-7.3-10). */
  readonly durable: boolean;
  /**
   * Resolves, with the reason, when it has failed for good: nothing is certain of what it was asked for last, and every call
   * rejects with a LocalError `CLOSED`. Never rejects. What may go better later, such as a full disk, is the rejection of
   * a call and nothing more.
   */
  readonly failed: Promise<Error>;
  /**
   * Writes what waits, and lets go of what it holds. Calls after it reject with a LocalError `CLOSED`, unless the store ends with
   * the process; a second close does nothing. That is no failure.
   */
  close(): Promise<void>;
}
