import { catalogue } from "./catalogue.ts";
import { type Decoded, decodeExpecting } from "./codec.ts";
import { isPlainSubmit } from "./plain-submit.ts";

/** `decode` for runtimes, with a fast path for submits. A separate file, so that clients do not bundle it. Never throws. */
export function decodeRequest(frame: string): Decoded {
  return decodeExpecting(frame, isPlainSubmit, catalogue);
}
