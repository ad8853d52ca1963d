import * as z from "zod/mini";
import type { MessageType, Payload } from "./catalogue.ts";
import { JobId, MessageId, SessionId } from "./ids.ts";
import { absent, JsonObject } from "./json.ts";
import { TraceField } from "./trace.ts";

/** The version of the protocol that every envelope names (R-5.1-1). */
export const PROTOCOL_VERSION = "1.1";

/** What every message carries besides its payload (section 5.1). */
export const EnvelopeHeader = z.object({
  arcp: absent(z.string()),
  id: MessageId,
  type: z.string().check(z.minLength(1)),
  session_id: absent(SessionId),
  job_id: absent(JobId),
  trace_id: TraceField,
  event_seq: absent(z.int().check(z.minimum(1))),
  job_seq: absent(z.int().check(z.minimum(1))),
  extensions: absent(JsonObject),
});
export type EnvelopeHeader = z.output<typeof EnvelopeHeader>;

/** One message of type `T`; without an argument, any message, and `type` narrows `payload`. */
export type Envelope<T extends MessageType = MessageType> = {
  [K in T]: Omit<EnvelopeHeader, "type"> & { type: K; payload: Payload<K> };
}[T];

/** Whether a peer's version is compatible with ours: absent, `1` or any `1.x` (R-5.1-2). */
export function isCompatibleVersion(version: string | undefined): boolean {
  return version === undefined || version === "1" || /^1\.\d+$/.test(version);
}
