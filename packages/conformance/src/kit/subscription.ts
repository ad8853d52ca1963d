import type { StreamEnvelope } from "../wire/stream-envelope.ts";

/** What every viewer must be sent alike (R-7.6-4); ids may differ. */
export function shared(envelopes: readonly StreamEnvelope[]): object[] {
  return envelopes.map(({ type, job_id, job_seq, trace_id, payload }) => ({
    type,
    job_id,
    job_seq,
    trace_id,
    payload,
  }));
}

export function jobSeqsOf(envelopes: readonly StreamEnvelope[]): (number | undefined)[] {
  return envelopes.map(({ job_seq }) => job_seq);
}
