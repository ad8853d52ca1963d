import type { JobIndex } from "./job-index.ts";
import type { LogStore } from "./log-store.ts";
import type { SessionStore } from "./session-store.ts";

/**
 * Where a runtime keeps what must not be lost: several small interfaces, without transactions across them, so that a
 * log and a key-value bucket on the far side of a network can serve as well as a file.
 */
export interface Store {
  readonly logs: LogStore;
  readonly jobs: JobIndex;
  readonly sessions: SessionStore;
  close(): Promise<void>;
}
