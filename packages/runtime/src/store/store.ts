import type { CredentialStore } from "./credential-store.ts";
import type { IdempotencyStore } from "./idempotency-store.ts";
import type { JobIndex } from "./job-index.ts";
import type { LogStore } from "./log-store.ts";
import type { SessionStore } from "./session-store.ts";

/**
 * Where a runtime keeps what must not be lost: several small interfaces without transactions across them, so that a log and a
 * key-value bucket across a network can serve as well as a file.
 *
 * - A call that changes something resolves once the change is durable; what a read returns is durable too (J2).
 * - Across all interfaces, changes take place in the order in which they were requested, and an earlier one becomes durable no
 *   later than a later one. Nobody waits for one before requesting the next. A read that is requested alongside a change may or may
 *   not see it.
 * - A call may take long; the runtime waits for it and goes on with everything else. It repeats a call that rejects a few times
 *   within three seconds, and then gives it up, along with the jobs that it was about.
 * - A call that rejects may have taken effect all the same, but does not do so later. The caller repeats it or undoes it; repeating
 *   a change that is already in effect changes nothing.
 * - One runtime at a time has the store open. When it starts, it takes whatever is unfinished for the work of a process that is
 *   gone. Another runtime is refused with a LocalError `MISUSE`, or takes the store over, which has then failed for the first one.
 *
 * Ids of jobs and sessions, and aliases of credentials, are ASCII and sorted by character code. Other texts may be any string,
 * including lone surrogates and U+0000, except the text of a record and what a run says in place of one: these are JSON and contain
 * neither. Of what clients name, an id has up to 128 characters and a key up to 256. Times may have fractions of a millisecond.
 */
export interface Store {
  /** What jobs said, record by record. */
  readonly logs: LogStore;
  /** What is known of each job besides its log. */
  readonly jobs: JobIndex;
  /** Who follows what, and how far. */
  readonly sessions: SessionStore;
  /** Which submits were made under an idempotency key. */
  readonly idempotency: IdempotencyStore;
  /** Which credentials still have to be revoked. */
  readonly credentials: CredentialStore;
  /** Whether it outlives the process: if so, finished jobs are kept for days, and a restart goes on with the others (R-7.3-10). */
  readonly durable: boolean;
  /**
   * Resolves with the reason when the store has failed for good: whether the last calls took effect is uncertain, and every call
   * rejects with a LocalError `CLOSED`. Never rejects. A failure that may pass, such as a full disk, only rejects the call.
   */
  readonly failed: Promise<Error>;
  /**
   * Writes what is pending and releases what the store holds. Later calls reject with a LocalError `CLOSED`, unless the store ends
   * with the process; a second close does nothing. Closing is not a failure.
   */
  close(): Promise<void>;
}
