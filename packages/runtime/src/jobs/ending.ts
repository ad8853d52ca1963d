import {
  ArcpError,
  type ErrorPayload,
  isErrorCode,
  type JobId,
  type TerminalStatus,
} from "@arcp/core";
import type { Cancel } from "../store/index.ts";

/** How a job ends: its final status and the payload of its terminal record. */
export type Ending =
  | {
      readonly status: "success";
      readonly payload: {
        readonly result?: unknown;
        readonly result_id?: string;
        readonly result_size?: number;
      };
      /** Set once the ending is written: the payload as JSON, including the result. */
      readonly text?: string;
    }
  | { readonly status: Exclude<TerminalStatus, "success">; readonly payload: ErrorPayload };

export function failure(thrown: unknown): Ending {
  return { status: "error", payload: wireError(thrown) };
}

/**
 * The wire form of an error: only the protocol's codes are sent, any other one moves into the details (R-12-1). Details that are
 * not a JSON object are left out. An error that throws when it is read is replaced by a generic one.
 */
export function wireError(thrown: unknown): ErrorPayload {
  try {
    return payloadOf(ArcpError.from(thrown));
  } catch {
    return payloadOf(ArcpError.from(undefined));
  }
}

function payloadOf(error: ArcpError): ErrorPayload {
  // Built anew, because an agent may have set any field, or added fields by a subclass, such as another final status.
  const { details, ...said } = ArcpError.fromPayload(error.toPayload()).toPayload();
  const shown = isJsonObject(details) ? { details } : {};
  if (isErrorCode(said.code)) return { ...said, ...shown };
  return {
    ...said,
    code: "INTERNAL_ERROR",
    retryable: true,
    details: { ...shown.details, code: said.code },
  };
}

function isJsonObject(value: unknown): boolean {
  try {
    return JSON.stringify(value)?.startsWith("{") === true;
  } catch {
    return false;
  }
}

export function cancelled({ reason, details }: Cancel): Ending {
  const error = new ArcpError("CANCELLED", reason || "cancelled on request", { details });
  return { status: "cancelled", payload: error.toPayload() };
}

/** The ending of a delegated job whose parent is over (R-10-6). */
export function parentEnded(): Ending {
  const error = new ArcpError("CANCELLED", "the job that delegated this one has ended", {
    details: { reason: "parent_ended" },
  });
  return { status: "cancelled", payload: error.toPayload() };
}

/** @param seconds the `max_runtime_sec` that ran out */
export function timedOut(seconds: number): Ending {
  return {
    status: "timed_out",
    payload: new ArcpError("TIMEOUT", `ran longer than ${seconds} s`).toPayload(),
  };
}

/** The error that a still running agent gets when its job has ended. */
export function stopReason(ending: Ending): ArcpError {
  return ending.status === "success"
    ? new ArcpError("CANCELLED", "the job has ended")
    : ArcpError.fromPayload(ending.payload);
}

/** The error for a job that is left to the next process. */
export function shuttingDown(): ArcpError {
  return new ArcpError("INTERNAL_ERROR", "the runtime is shutting down");
}

/** The error for a job whose log another runtime writes to. */
export function takenOver(job: JobId): ArcpError {
  return new ArcpError("INTERNAL_ERROR", `another runtime has taken over ${job}: connect again`, {
    details: { reason: "job_taken_over", job_id: job },
  });
}

/** The error for a request that only the runtime of a job can carry out, when it could not be recovered yet. */
export function stranded(job: JobId): ArcpError {
  return new ArcpError("INTERNAL_ERROR", `${job} is not recovered yet: try again later`, {
    details: { reason: "job_stranded", job_id: job },
  });
}

/** The ending of a job whose records the store refused for too long. */
export function lost(): Ending {
  const message = "the runtime could not store the job's events";
  return failure(new ArcpError("INTERNAL_ERROR", message));
}

/** The ending of a job of which the store has lost something irreplaceable. */
export function damaged(job: JobId): Ending {
  const details = { reason: "job_damaged", job_id: job };
  return failure(new ArcpError("INTERNAL_ERROR", whatIsDamaged(job), { details }));
}

/** The error for requests about a damaged job. Not `INTERNAL_ERROR`, which would suggest to retry (R-12-2). */
export function jobDamaged(job: JobId, cause?: unknown): ArcpError {
  const details = { reason: "job_damaged", job_id: job };
  return new ArcpError("JOB_NOT_FOUND", whatIsDamaged(job), { details, cause });
}

function whatIsDamaged(job: JobId): string {
  return `the runtime's data of ${job} is damaged`;
}

/** @param expiry when the lease ended, as text for people */
export function expired(expiry: string): Ending {
  return failure(new ArcpError("LEASE_EXPIRED", `the lease expired at ${expiry}`));
}

/** @param seconds without an event */
export function stalled(seconds: number): Ending {
  return failure(new ArcpError("HEARTBEAT_LOST", `the agent emitted nothing for ${seconds} s`));
}
