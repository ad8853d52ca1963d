/** What is kept of one job's log. Beyond it the oldest records go, loudly by the floor (P3). */
export interface LogLimits {
  /** Records, result chunks apart. Default 250,000. */
  readonly records: number;
  /** Characters of text, result chunks apart. Default 256 Mi. */
  readonly characters: number;
}

export const DEFAULT_LOG_LIMITS: LogLimits = { records: 250_000, characters: 256 * 1024 * 1024 };
