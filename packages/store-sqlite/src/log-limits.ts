import { checkOptions, type OptionRules, rule } from "@arcp/core";

/** Limits of one job's log. Beyond them its oldest records are evicted, which readers see by the log's floor (P3). */
export interface LogLimits {
  /** Records, not counting result chunks. Default 250,000. */
  readonly records: number;
  /** Characters of text, not counting result chunks. Default 256 Mi. */
  readonly characters: number;
}

export const DEFAULT_LOG_LIMITS: LogLimits = { records: 250_000, characters: 256 * 1024 * 1024 };

const RULES: OptionRules<LogLimits> = { records: rule.limit, characters: rule.limit };

/** @throws LocalError `MISUSE` for an unknown limit, and for one that is not a positive number */
export function readLogLimits(
  given: { readonly [Limit in keyof LogLimits]?: LogLimits[Limit] | undefined } = {},
): LogLimits {
  checkOptions("logLimits", given, RULES);
  const { records, characters } = DEFAULT_LOG_LIMITS;
  return { records: given.records ?? records, characters: given.characters ?? characters };
}
