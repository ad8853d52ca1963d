import { catalogue } from "./catalogue.ts";
import { type Decoded, decodeExpecting } from "./codec.ts";
import { isPlainSubmit } from "./plain-submit.ts";

/** Reads one frame as `decode` does, quickest where it is a submit: for runtimes. Clients need not have the code. Never throws. */
export function decodeRequest(frame: string): Decoded {
  return decodeExpecting(frame, isPlainSubmit, catalogue);
}
