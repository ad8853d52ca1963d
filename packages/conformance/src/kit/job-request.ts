import type { Envelope } from "@arcp/core";
import type { Sent } from "../wire/sent.ts";
import type { RequestOptions, WireClient } from "../wire/wire-client.ts";

/** Subscribes to a job. Throws a `WireRejection` when the runtime refuses. */
export function subscribe(
  wire: WireClient,
  job_id: string,
  rest: Omit<Sent<"job.subscribe">, "job_id"> = {},
  options?: RequestOptions,
): Promise<Envelope<"job.subscribed">> {
  return wire.request("job.subscribe", { job_id, ...rest }, options);
}

/** Cancels a job. Throws a `WireRejection` when the runtime refuses. */
export function cancel(
  wire: WireClient,
  job_id: string,
  reason?: string,
): Promise<Envelope<"job.cancelled">> {
  return wire.request("job.cancel", { job_id, ...(reason && { reason }) });
}
