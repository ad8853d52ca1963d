import { ITEM } from "./agents.ts";

/** A job of a raw server. */
export interface RawJob {
  readonly id: string;
  readonly traceId: string;
  readonly events: number;
}

/** The running notice, the events and the result. */
export function lastSeq({ events }: RawJob): number {
  return events + 2;
}

/**
 * The record that is number `jobSeq` of the job, as the runtime writes it: every field, in the same order, with values of
 * the same length. What a session adds to it is not included.
 */
export function recordOf(job: RawJob, jobSeq: number, ts: string): object {
  const payload =
    jobSeq === 1
      ? { kind: "status", ts, body: { phase: "running" } }
      : {
          kind: "log",
          ts,
          body: { level: "info", message: "step", attributes: { i: jobSeq - 2, item: ITEM } },
        };
  const isLast = jobSeq === lastSeq(job);
  return {
    id: newId("msg_"),
    type: isLast ? "job.result" : "job.event",
    job_id: job.id,
    trace_id: job.traceId,
    job_seq: jobSeq,
    payload: isLast ? { final_status: "success", result: null } : payload,
  };
}

let ids = 0;

/** As long as a prefixed ULID and as cheap as an id can be. */
export function newId(prefix: string): string {
  ids += 1;
  return prefix + String(ids).padStart(26, "0");
}

/** As long as a trace id. */
export function newTraceId(): string {
  ids += 1;
  return String(ids).padStart(32, "a");
}
