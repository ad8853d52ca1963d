import type { JobId, SessionId } from "@arcp/core";

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

/** A job whose row cannot be read. */
export interface DamagedJob {
  readonly id: JobId;
  /** The session that owns it; undefined where that cannot be read either. */
  readonly session?: SessionId | undefined;
  readonly error: DamagedRow;
}
