import { type JobId, newMessageId } from "@arcp/core";
import type { LogRecord, RecordKind } from "../store/index.ts";

/** The largest envelope that may be sent, in bytes (R-4.1-7); what a viewer's projector puts in front fits the slack. */
export const MAX_ENVELOPE = 1024 * 1024;
const PREFIX_SLACK = 512;

export interface RecordSource {
  readonly job: JobId;
  readonly traceId: string;
  readonly jobSeq: number;
  readonly kind: RecordKind;
  readonly type: "job.event" | "job.result" | "job.error";
  readonly payload: object;
}

/** Serialises a record once and for all viewers; the envelope's id is born here and is the same in every replay. */
export function writeRecord(source: RecordSource): LogRecord {
  const text = JSON.stringify({
    id: newMessageId(),
    type: source.type,
    job_id: source.job,
    trace_id: source.traceId,
    job_seq: source.jobSeq,
    payload: source.payload,
  });
  return { kind: source.kind, text: text.slice(1) };
}

/** Whether the record, with the fields of a viewer's session in front, fits into one envelope. */
export function fitsEnvelope({ text }: LogRecord): boolean {
  const limit = MAX_ENVELOPE - PREFIX_SLACK;
  // A character takes at most three bytes of UTF-8 (a pair of two takes four).
  return text.length * 3 <= limit || Buffer.byteLength(text) <= limit;
}
