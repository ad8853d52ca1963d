import type { CredentialStore } from "./credential-store.ts";
import type { IdempotencyStore } from "./idempotency-store.ts";
import type { JobIndex } from "./job-index.ts";
import type { LogStore } from "./log-store.ts";
import type { SessionStore } from "./session-store.ts";

/**
 * Where a runtime keeps what must not be lost: several small interfaces, without transactions across them, so that a
 * log and a key-value bucket on the far side of a network can serve as well as a file.
 *
 * Over all of them together changes become durable in the order in which they were asked for: what was asked for first
 * is durable no later than what came after it.
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
  /** Writes what waits, and lets go of what it holds. Calls after it reject. That is no failure. */
  close(): Promise<void>;
}
