import type { Envelope } from "@arcp/core";
import type { Sent } from "../wire/sent.ts";
import type { StreamEnvelope } from "../wire/stream-envelope.ts";
import type { WireClient } from "../wire/wire-client.ts";

/** Subscribes to a job. Throws a `WireRejection` when the runtime refuses. */
export function subscribe(
  wire: WireClient,
  job_id: string,
  rest: Omit<Sent<"job.subscribe">, "job_id"> = {},
): Promise<Envelope<"job.subscribed">> {
  return wire.request("job.subscribe", { job_id, ...rest }, { jobId: job_id });
}

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
