import { ArcpError, type Envelope } from "@arcp/core";

/** The runtime refused a request: its `session.error`, as it came. */
export class WireRejection extends Error {
  override readonly name = "WireRejection";
  readonly envelope: Envelope<"session.error">;
  readonly error: ArcpError;

  constructor(envelope: Envelope<"session.error">) {
    super(`${envelope.payload.code}: ${envelope.payload.message}`);
    this.envelope = envelope;
    this.error = ArcpError.fromPayload(envelope.payload);
  }

  /** The payload of the refusal, with its `request_id`. */
  get payload(): Envelope<"session.error">["payload"] {
    return this.envelope.payload;
  }
}
