import { type Decoded, decodeExpecting } from "./codec.ts";
import { isPlainEvent } from "./plain-event.ts";
import { runtimeCatalogue } from "./runtime-catalogue.ts";

/** Reads one frame as `decode` does, for clients: what a runtime has no business to send is unknown to it. Never throws. */
export function decodeFromRuntime(frame: string): Decoded {
  return decodeExpecting(frame, isPlainEvent, runtimeCatalogue);
}
