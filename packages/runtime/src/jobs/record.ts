import { type JobId, MAX_JSON_DEPTH, nestsDeeperThan, newMessageId } from "@arcp/core";
import type { LogRecord, RecordKind } from "../store/index.ts";
import { LONG, LongRecord } from "../store/long-record.ts";
import { LongText } from "../store/long-text.ts";
import type { ChunkData } from "./chunk-data.ts";

/** The largest envelope that may be sent, in bytes (R-4.1-7); the slack has room for the prefix that each projector adds. */
const MAX_ENVELOPE = 1024 * 1024;
const PREFIX_SLACK = 512;

/** The least number of characters around a record's payload. */
const STEM = 128;

type RecordType = "job.event" | "job.result" | "job.error";

/** What all records of one job and type have in common, between their id and their number. */
export type RecordStems = Readonly<Record<RecordType, string>>;

export interface RecordSource {
  /** From {@link recordStems}. */
  readonly stems: RecordStems;
  readonly jobSeq: number;
  readonly kind: RecordKind;
  readonly type: RecordType;
  /** As JSON. */
  readonly payload: string;
}

/** A piece of a streamed result (section 8.4). */
export interface Chunk {
  readonly result_id: string;
  readonly chunk_seq: number;
  /** As JSON. */
  readonly data: string | ChunkData;
  readonly encoding: "utf8" | "base64";
  readonly more: boolean;
}

/** Builds the common parts of a job's records, once. */
export function recordStems(job: JobId, traceId: string): RecordStems {
  const ids = `"job_id":${JSON.stringify(job)},"trace_id":${JSON.stringify(traceId)}`;
  const stem = (type: RecordType) => `","type":"${type}",${ids},"job_seq":`;
  return {
    "job.event": stem("job.event"),
    "job.result": stem("job.result"),
    "job.error": stem("job.error"),
  };
}

/**
 * Serializes a record once for all viewers. The envelope's id is created here and stays the same in every replay. Ids and types are
 * our own and need no escaping.
 */
export function writeRecord({ stems, jobSeq, kind, type, payload }: RecordSource): LogRecord {
  const id = newMessageId();
  const text = `"id":"${id}${stems[type]}${jobSeq},"payload":${payload}}`;
  return { kind, text };
}

export interface ChunkSource {
  /** From {@link recordStems}. */
  readonly stems: RecordStems;
  readonly jobSeq: number;
  readonly ts: string;
  readonly chunk: Chunk;
}

/** Writes the record of a chunk. */
export function writeChunk({ stems, jobSeq, ts, chunk }: ChunkSource): LogRecord {
  const { result_id, chunk_seq, data, encoding, more } = chunk;
  const body = `{"result_id":"${result_id}","chunk_seq":${chunk_seq},"data":`;
  const before = `"id":"${newMessageId()}${stems["job.event"]}${jobSeq},"payload":{"kind":"result_chunk","ts":"${ts}","body":${body}`;
  const behind = `,"encoding":"${encoding}","more":${more}}}}`;
  const kind = "result_chunk";
  if (typeof data !== "string") return new LongRecord(kind, data.within(before, behind));
  if (encoding === "base64" && data.length >= LONG) {
    return new LongRecord(kind, LongText.ofAscii(before, data, behind));
  }
  return { kind, text: before + data + behind };
}

/** Whether the record nests deeper than peers have to read, counting the envelope around it (R-5.2-7). */
export function nestsTooDeep({ text }: LogRecord): boolean {
  // Cheap check first: most records are too short to nest that deep.
  return text.length > 2 * MAX_JSON_DEPTH + STEM && nestsDeeperThan(text, MAX_JSON_DEPTH - 1);
}

/** Whether the record, with the fields of a viewer's session in front, fits into one envelope. */
export function fitsEnvelope({ text }: LogRecord): boolean {
  const limit = MAX_ENVELOPE - PREFIX_SLACK;
  // A UTF-16 code unit takes at most three bytes of UTF-8 (a surrogate pair takes four).
  return text.length * 3 <= limit || Buffer.byteLength(text) <= limit;
}
