import { ITEM } from "./agents.ts";
import { bytePieces, type Encoding, PIECE, textPieces } from "./pieces.ts";

/** A job of a raw server. */
export interface RawJob {
  readonly id: string;
  readonly traceId: string;
  readonly events: number;
  readonly content: RawContent;
}

/** What a job emits and returns. */
export interface RawContent {
  /** @returns the payload of its event number `i`, from 0 on */
  event(i: number, ts: string): object;
  /** The fields of its result besides its success. */
  readonly result: object;
}

/** Small log events, like those of the stepper. */
export const steps: RawContent = {
  event: (i, ts) => ({
    kind: "log",
    ts,
    body: { level: "info", message: "step", attributes: { i, item: ITEM } },
  }),
  result: { result: null },
};

/** A streamed result of this many pieces and an empty last one, like that of the chunker. */
export function chunks(encoding: Encoding, count: number): RawContent {
  const data =
    encoding === "utf8"
      ? textPieces()
      : bytePieces().map((piece) => Buffer.from(piece).toString("base64"));
  const result_id = newId("res_");
  return {
    event: (i, ts) => ({
      kind: "result_chunk",
      ts,
      body: {
        result_id,
        chunk_seq: i,
        data: i < count ? data[i % data.length] : "",
        encoding,
        more: i < count,
      },
    }),
    result: { result_id, result_size: count * PIECE },
  };
}

/** The running notice, the events and the result. */
export function lastSeq({ events }: RawJob): number {
  return events + 2;
}

/**
 * The record with the number `jobSeq` of the job, as the runtime writes it: every field, in the same order, with values of the same
 * length. What a session adds to it is not included.
 */
export function recordOf(job: RawJob, jobSeq: number, ts: string): object {
  const { event, result } = job.content;
  const isLast = jobSeq === lastSeq(job);
  return {
    id: newId("msg_"),
    type: isLast ? "job.result" : "job.event",
    job_id: job.id,
    trace_id: job.traceId,
    job_seq: jobSeq,
    payload: isLast
      ? { final_status: "success", ...result }
      : jobSeq === 1
        ? { kind: "status", ts, body: { phase: "running" } }
        : event(jobSeq - 2, ts),
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
