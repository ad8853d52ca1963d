import type { JobId, JobStatus, SessionId } from "@arcp/core";

/**
 * Some records of one job's log were written but can no longer be read. With this error a store rejects every read that would come
 * across them. It says nothing about other logs, or about later records of this one.
 */
export class DamagedLog extends Error {
  override readonly name = "DamagedLog";
  /** The `job_seq` of the last record that is known to be unreadable. */
  readonly through: number;

  /** @param message for the operator: what is missing, from which job, and what to do about it */
  constructor(message: string, through: number, options?: ErrorOptions) {
    super(message, options);
    this.through = through;
  }
}

/** The row of a job or a session can no longer be read. With this error a store rejects every call that needs that row. */
export class DamagedRow extends Error {
  override readonly name = "DamagedRow";
  /** The principal of that job or session; undefined if it cannot be read either. */
  readonly principal: string | undefined;

  /** @param message for the operator: what cannot be read, and what to do about it */
  constructor(message: string, principal?: string, options?: ErrorOptions) {
    super(message, options);
    this.principal = principal;
  }
}

/** A job whose row cannot be read, with the fields that can; the rest is undefined. */
export interface DamagedJob {
  readonly id: JobId;
  /** The session that owns it. */
  readonly session?: SessionId | undefined;
  /** If undefined, the job counts as not ended. */
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
