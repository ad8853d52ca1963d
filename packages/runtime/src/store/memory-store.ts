import { checkOptions, type OptionRules, rule } from "@arcp/core";
import { MemoryCredentials } from "./memory-credentials.ts";
import { MemoryIdempotency } from "./memory-idempotency.ts";
import { MemoryJobs } from "./memory-jobs.ts";
import type { LogLimits } from "./memory-log.ts";
import { MemoryLogs } from "./memory-logs.ts";
import { MemorySessions } from "./memory-sessions.ts";
import type { Store } from "./store.ts";

/** The limits of a store in memory. */
export interface MemoryStoreOptions {
  /** Limits of one job's log; beyond them its oldest records are evicted. */
  readonly logLimits?:
    | { readonly [Limit in keyof LogLimits]?: LogLimits[Limit] | undefined }
    | undefined;
  /**
   * Characters of text kept in all logs together, including chunks of results. Beyond it, the largest log of the principal that
   * holds most loses its oldest records. The newest record of a log stays, and a principal that holds no more than an equal share
   * loses nothing (R-14-2), so the limit may be exceeded by one record per kept job. Default 1 Gi. Long records lie outside the
   * heap, in memory that is reused; at most 16 MiB of it per process wait for reuse.
   */
  readonly totalLogCharacters?: number | undefined;
}

const DEFAULT_TOTAL = 1024 * 1024 * 1024;

const RULES: OptionRules<MemoryStoreOptions> = {
  logLimits: rule.table,
  totalLogCharacters: rule.limit,
};

const LOG_RULES: OptionRules<LogLimits> = { records: rule.limit, characters: rule.limit };

/**
 * A store in memory: durable means written, and everything ends with the process.
 *
 * @throws LocalError `MISUSE` for a limit that is not a positive number, and for an unknown one
 */
export function memoryStore(options: MemoryStoreOptions = {}): Store {
  checkOptions("memoryStore", options, RULES);
  const { logLimits = {}, totalLogCharacters = DEFAULT_TOTAL } = options;
  checkOptions("logLimits", logLimits, LOG_RULES);
  const { records = 250_000, characters = 256 * 1024 * 1024 } = logLimits;
  const jobs = new MemoryJobs();
  return {
    logs: new MemoryLogs({ records, characters }, totalLogCharacters, jobs),
    jobs,
    sessions: new MemorySessions(),
    idempotency: new MemoryIdempotency(),
    credentials: new MemoryCredentials(),
    durable: false,
    failed: new Promise(() => {}),
    close: async () => {},
  };
}
