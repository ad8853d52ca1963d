import { catalogue } from "./catalogue.ts";
import { type Decoded, decodeExpecting } from "./codec.ts";
import { EnvelopeHeader } from "./envelope.ts";
import { isObject } from "./json.ts";
import { isPlainSubmit } from "./plain-submit.ts";

/**
 * `decode` for runtimes, with a fast path for submits. A separate file, so that clients do not bundle it. Never throws.
 *
 * It reads the header even of a message that nests too deeply, so that a submit gets its answer: published clients match these in
 * order and would take the next one for it (R-5.4-5).
 */
export function decodeRequest(frame: string): Decoded {
  const decoded = decodeExpecting(frame, isPlainSubmit, catalogue);
  const isNamed = decoded.kind !== "malformed" || decoded.type !== undefined;
  return isNamed ? decoded : { ...decoded, ...readable(frame) };
}

function readable(frame: string) {
  try {
    const raw: unknown = JSON.parse(frame);
    const header = EnvelopeHeader.safeParse(raw).data;
    if (header === undefined || !isObject(raw)) return undefined;
    return { id: header.id, type: header.type, header, payload: raw["payload"] };
  } catch {
    return undefined;
  }
}
