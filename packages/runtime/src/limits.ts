import { checkOptions, type OptionRule, rule } from "@arcp/core";

/** The limits of a runtime. One that is left out has its default. */
export interface Limits {
  /** Seconds that a session survives without a connection. Default 600. */
  readonly resumeWindowSec?: number | undefined;
  /** Seconds that an agent has to stop after a cancel. Default 30. */
  readonly cancelGraceSec?: number | undefined;
  /**
   * Seconds for which a finished job and its history are kept, and longer while a session still reads it. Default: 7 days in a
   * durable store, else the resume window.
   */
  readonly retentionSec?: number | undefined;
  /**
   * How many finished jobs of one principal are kept. Beyond it, the one that ended first is removed as if its retention were over,
   * unless an idempotency key holds it or a session has yet to read it (R-14-2). Once this many jobs, plus `liveJobsPerPrincipal`,
   * cannot be removed, a submit is refused (R-7.1-5). A job counts once more for each 8,192 characters of its lease and its result.
   * Default: 1,000,000 in a durable store, else 100,000.
   */
  readonly finishedJobsPerPrincipal?: number | undefined;
  /**
   * Seconds of silence on either side after which a heartbeat is sent; a client that is silent for twice as long is lost (R-6.4-4).
   * Default 30.
   */
  readonly heartbeatIntervalSec?: number | undefined;
  /** How many events a client that acknowledges them may be behind before it is told so (R-6.5-7). Default 1,000. */
  readonly backPressureThreshold?: number | undefined;
  /** Jobs that one principal may have running at a time (R-7.1-5). Default 1,000. */
  readonly liveJobsPerPrincipal?: number | undefined;
  /**
   * Characters of JSON that the inputs of a principal's running jobs may have in total (R-7.1-5); each object, array and key counts
   * 64 more. Default 256 Mi.
   */
  readonly liveInputCharactersPerPrincipal?: number | undefined;
  /** Seconds in which a client has to open its session (R-4.1-8). Default 10. */
  readonly openingDeadlineSec?: number | undefined;
  /**
   * The most bytes in a message before the welcome (R-4.1-8). Default 64 KiB. For more than 100,000, a WebSocket's `maxOpeningSize` has
   * to be larger, too.
   */
  readonly openingBytes?: number | undefined;
  /** Failed logins from one source address within a minute after which the address is ignored (R-6.1-6). Default 20. */
  readonly failedLoginsPerMinute?: number | undefined;
  /** Sessions that one principal may have connected at a time (R-14-1). Default 100. */
  readonly connectedSessionsPerPrincipal?: number | undefined;
  /** Sessions that one principal may have, connected or not (R-14-1). Default 1,000. */
  readonly sessionsPerPrincipal?: number | undefined;
  /**
   * Seconds after which a connection that exchanges only heartbeats is closed, unless its session owns a running job (R-14-1).
   * Default: one day.
   */
  readonly idleSec?: number | undefined;
  /** Jobs of others, or of other sessions, that one session may follow at a time (R-14-2). Default 1,000. */
  readonly subscriptionsPerSession?: number | undefined;
  /** Requests of one session that may be in flight at a time (R-14-2). Default 1,000. */
  readonly requestsPerSession?: number | undefined;
  /**
   * Characters of JSON that the requests of one principal in flight may have in total, in all of its sessions (R-14-2); each object,
   * array and key counts 64 more. Default 256 Mi.
   */
  readonly requestCharactersPerPrincipal?: number | undefined;
  /** Patterns and amounts that a requested lease may have in total (R-14-2). Default 1,000. */
  readonly patternsPerLease?: number | undefined;
  /** How many jobs may stand above a delegated one, each delegated by the one above it (R-10-8). Default 8. */
  readonly delegationDepth?: number | undefined;
  /** Seconds that a provisioner has to issue or to revoke a credential (R-9.8-5). Default 10. */
  readonly provisionerSec?: number | undefined;
  /**
   * Seconds for which an upstream that did not answer an issue request may still create the credential: until then it is asked
   * again to revoke it (R-9.8-6). Default 300.
   */
  readonly credentialDoubtSec?: number | undefined;
  /** The most bytes in a streamed result, decoded (R-8.4-4). Default 256 MiB. */
  readonly resultBytes?: number | undefined;
  /** The most bytes in a file that an agent reads through `ctx.fs`, which holds all of it in memory. Default 256 MiB. */
  readonly fileBytes?: number | undefined;
}

/** All limits, with defaults filled in. */
export type EffectiveLimits = {
  readonly [Limit in keyof Limits]-?: NonNullable<Limits[Limit]>;
};

const DEFAULTS = {
  resumeWindowSec: 600,
  cancelGraceSec: 30,
  heartbeatIntervalSec: 30,
  backPressureThreshold: 1000,
  liveJobsPerPrincipal: 1000,
  liveInputCharactersPerPrincipal: 268_435_456,
  openingDeadlineSec: 10,
  openingBytes: 65_536,
  failedLoginsPerMinute: 20,
  connectedSessionsPerPrincipal: 100,
  sessionsPerPrincipal: 1000,
  idleSec: 86_400,
  subscriptionsPerSession: 1000,
  requestsPerSession: 1000,
  requestCharactersPerPrincipal: 268_435_456,
  patternsPerLease: 1000,
  delegationDepth: 8,
  provisionerSec: 10,
  credentialDoubtSec: 300,
  resultBytes: 268_435_456,
  fileBytes: 268_435_456,
} satisfies Omit<Limits, "retentionSec" | "finishedJobsPerPrincipal">;

const WEEK = 7 * 24 * 60 * 60;

/** The events of a million jobs take a few gigabytes on disk; those of a tenth as many take a quarter of that in memory. */
const FINISHED_JOBS = { durable: 1_000_000, inMemory: 100_000 };

const RULES: Readonly<Record<string, OptionRule>> = {
  ...Object.fromEntries(Object.keys(DEFAULTS).map((name) => [name, rule.aboveZero])),
  retentionSec: rule.aboveZero,
  finishedJobsPerPrincipal: rule.aboveZero,
  // These two are whole numbers on the wire.
  resumeWindowSec: rule.wholeAboveZero,
  heartbeatIntervalSec: rule.wholeAboveZero,
};

/**
 * @param durable whether the store outlives the process, in which case finished jobs are kept longer
 * @throws LocalError `MISUSE` for an unknown limit, and for one that is not a positive number
 */
export function readLimits(given: Limits, durable: boolean): EffectiveLimits {
  checkOptions("limits", given, RULES);
  const chosen = Object.fromEntries(
    Object.entries(given).filter(([, value]) => value !== undefined),
  );
  const { resumeWindowSec, ...limits } = { ...DEFAULTS, ...chosen };
  const { durable: many, inMemory: fewer } = FINISHED_JOBS;
  return {
    retentionSec: durable ? WEEK : resumeWindowSec,
    finishedJobsPerPrincipal: durable ? many : fewer,
    ...limits,
    resumeWindowSec,
  };
}
