import { catalogue, type Envelope } from "@arcp/core";

/** An envelope of the session's numbered stream. */
export type StreamEnvelope = Envelope<"job.event" | "job.result" | "job.error">;

export function isStreamEnvelope(envelope: Envelope): envelope is StreamEnvelope {
  return catalogue[envelope.type].sequenced;
}
