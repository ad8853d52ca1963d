import type { Envelope } from "@arcp/core";
import type { JsonObject } from "../json-object.ts";

/** A frame as it came and as core reads it. */
export interface SniffedFrame {
  readonly raw: JsonObject;
  readonly message: Envelope;
}
