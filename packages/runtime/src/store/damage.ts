import type { JobId, JobStatus, SessionId } from "@arcp/core";

/**
 * Records of one job's log that were written and cannot be read any more. A store rejects a read with it that would come across them;
 * of other logs, and of this one behind them, it says nothing.
 */
export class DamagedLog extends Error {
  override readonly name = "DamagedLog";
  /** The `job_seq` of the last record of which this is known. */
  readonly through: number;

  /** @param message for the operator: what is missing, of which job, and what to do about it */
  constructor(message: string, through: number, options?: ErrorOptions) {
    super(message, options);
    this.through = through;
  }
}

/** The row of one job, or of one session, which cannot be read any more. A store rejects with it what needs that row. */
export class DamagedRow extends Error {
  override readonly name = "DamagedRow";
  /** Whose it is; undefined where that cannot be read either. */
  readonly principal: string | undefined;

  /** @param message for the operator: what cannot be read, and what to do about it */
  constructor(message: string, principal?: string, options?: ErrorOptions) {
    super(message, options);
    this.principal = principal;
  }
}

/** A job whose row cannot be read, and what of it can: the rest is undefined. */
export interface DamagedJob {
  readonly id: JobId;
  /** The session that owns it. */
  readonly session?: SessionId | undefined;
  /** Undefined counts as one that has not ended. */
  readonly status?: JobStatus | undefined;
  /** Milliseconds since 1970. */
  readonly acceptedAt?: number | undefined;
  /** Milliseconds since 1970. */
  readonly finishedAt?: number | undefined;
  readonly error: DamagedRow;
}

/** Resolves to undefined if the row cannot be read. */
export function unlessDamaged<T>(asked: Promise<T>): Promise<T | undefined> {
  return asked.catch((error: unknown) => {
    if (error instanceof DamagedRow) return undefined;
    throw error;
  });
}
