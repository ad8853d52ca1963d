import type { JobId } from "@arcp/core";
import { canonicalJson, isJsonObject, type JsonObject } from "../json-object.ts";
import type { SniffedFrame } from "./sniffed-frame.ts";
import type { Report } from "./violation.ts";

/** A job as one session sees it: what was delivered of its log so far. */
export class FollowedJob {
  readonly id: JobId;
  readonly traceId: string | undefined;
  /** Whether a resume repeats its acceptance: the session submitted it or owns its parent (R-6.3-8). */
  readonly owned: boolean;
  /** The first number that one of its envelopes got in this session. */
  firstEventSeq: number | undefined;
  #lastJobSeq = 0;
  #ended = false;
  readonly #records = new Map<number, JsonObject>();

  constructor(id: JobId, traceId: string | undefined, owned: boolean) {
    this.id = id;
    this.traceId = traceId;
    this.owned = owned;
  }

  get ended(): boolean {
    return this.#ended;
  }

  /** A delivery begins that may go back: everything after `jobSeq`, including the terminal envelope again. */
  rewind(jobSeq: number): void {
    this.#lastJobSeq = jobSeq;
    this.#ended = false;
  }

  /** Checks a stream envelope of the job that the session has not seen before. */
  deliver({ raw, message }: SniffedFrame, report: Report): void {
    const notice = isBackPressure(raw);
    if (this.#ended) report("R-7.3-3", `${message.type} comes after the end of ${this.id}`);
    if (message.type !== "job.event") this.#ended = true;
    const { job_seq: jobSeq, trace_id: traceId } = message;
    if (jobSeq === undefined) {
      if (!notice) report("R-7.6-11", `${message.type} lacks job_seq`);
      return;
    }
    if (jobSeq <= this.#lastJobSeq) {
      report("R-7.6-11", `job_seq ${jobSeq} comes after ${this.#lastJobSeq}`);
    }
    this.#lastJobSeq = jobSeq;
    if (this.traceId !== undefined && traceId !== this.traceId) {
      report("R-11-4", `trace_id is ${traceId}, that of the job is ${this.traceId}`);
    }
    const before = this.#records.get(jobSeq);
    if (before !== undefined && contentOf(before) !== contentOf(raw)) {
      report("R-7.6-4", `job_seq ${jobSeq} has other content than before: ${contentOf(before)}`);
    }
    this.#records.set(jobSeq, raw);
  }
}

/**
 * What must not change when a record is delivered again: everything but its place in the session. The value of a rotated credential
 * is always the current one (R-9.8-11).
 */
export function contentOf(raw: JsonObject): string {
  const { arcp: _arcp, session_id: _session, event_seq: _seq, payload, ...rest } = raw;
  if (isJsonObject(payload) && isJsonObject(payload.body)) {
    const { value: _value, details: _details, ...body } = payload.body;
    if (payload.kind === "status" && body.phase === "credential_rotated") {
      return canonicalJson({ ...rest, payload: { ...payload, body } });
    }
  }
  return canonicalJson({ ...rest, payload });
}

function isBackPressure(raw: Readonly<Record<string, unknown>>): boolean {
  const payload = raw.payload;
  return (
    isJsonObject(payload) &&
    payload.kind === "status" &&
    isJsonObject(payload.body) &&
    payload.body.phase === "back_pressure"
  );
}
