import { type Decoded, decodeExpecting } from "./codec.ts";
import { isPlainEvent } from "./plain-event.ts";
import { runtimeCatalogue } from "./runtime-catalogue.ts";

/** `decode` for clients: messages that a runtime may not send decode as unknown. Never throws. */
export function decodeFromRuntime(frame: string): Decoded {
  return decodeExpecting(frame, isPlainEvent, runtimeCatalogue);
}
