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
  readonly logs: LogStore;
  readonly jobs: JobIndex;
  readonly sessions: SessionStore;
  readonly idempotency: IdempotencyStore;
  readonly credentials: CredentialStore;
  /** Whether it outlives the process: then finished jobs are kept for days, and a restart goes on (R-7.3-10). */
  readonly durable: boolean;
  /** Writes what waits, and lets go of what it holds. Calls after it reject. */
  close(): Promise<void>;
}
