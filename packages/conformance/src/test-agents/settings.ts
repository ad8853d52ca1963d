/** How the runtime of a test is configured, as far as scenarios need to know: what is omitted is the protocol's default. */
export interface TestSettings {
  readonly cancelGraceSec?: number;
  readonly openingDeadlineSec?: number;
  readonly backPressureThreshold?: number;
  readonly failedLoginsPerMinute?: number;
  readonly liveJobsPerPrincipal?: number;
  readonly connectedSessionsPerPrincipal?: number;
  readonly resultBytes?: number;
  /** How many ancestors a delegated job may have. */
  readonly delegationDepth?: number;
  /** Seconds that an upstream has to issue a credential. */
  readonly provisionerSec?: number;
  /** Records that are kept of one job's log, not counting chunks of results. */
  readonly logRecords?: number;
  /** Seconds that a finished job is kept. */
  readonly retentionSec?: number;
}

/** The default of each setting. */
export const defaultSettings: Required<TestSettings> = {
  cancelGraceSec: 30,
  openingDeadlineSec: 10,
  backPressureThreshold: 1000,
  failedLoginsPerMinute: 20,
  liveJobsPerPrincipal: 1000,
  connectedSessionsPerPrincipal: 100,
  resultBytes: 268_435_456,
  delegationDepth: 8,
  provisionerSec: 10,
  logRecords: 250_000,
  // Of a durable store; memory keeps them for the resume window.
  retentionSec: 604_800,
};
