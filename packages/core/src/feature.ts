/** The features of the protocol, each named by the section that defines it (section 6.2). */
export const features = [
  "heartbeat",
  "ack",
  "list_jobs",
  "subscribe",
  "agent_versions",
  "progress",
  "result_chunk",
  "lease_expires_at",
  "cost.budget",
  "model.use",
  "provisioned_credentials",
] as const;

/** The name of a feature of the protocol. */
export type Feature = (typeof features)[number];

/** Our private entry in a feature list, by which our client and runtime recognise each other (R-D-6). */
export const REQUEST_ID_FEATURE = "x-vendor.arcp-ts.request_id";

/** The features that both peers offer, in the order of `ours` (R-6.2-2). Unknown names are dropped (R-6.2-3). */
export function negotiate(ours: readonly string[], theirs: readonly string[]): string[] {
  const offered = new Set(theirs);
  return ours.filter((name) => offered.has(name));
}
