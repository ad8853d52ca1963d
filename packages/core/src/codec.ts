import type * as z from "zod/mini";
import { beginning } from "./beginning.ts";
import { catalogue, type MessageType } from "./catalogue.ts";
import { english } from "./english.ts";
import { type Envelope, EnvelopeHeader, PROTOCOL_VERSION } from "./envelope.ts";
import { isObject, MAX_JSON_DEPTH, nestsDeeperThan } from "./json.ts";
import type { MessageDefinition } from "./message-definition.ts";
import { isPlainEvent } from "./plain-event.ts";
import { defectOf } from "./unreadable-frame.ts";

/** The outcome of decoding a frame. */
export type Decoded =
  | { readonly kind: "ok"; readonly message: Envelope }
  /** A type that ARCP does not define: a vendor's, or one of another protocol. */
  | {
      readonly kind: "unknown";
      readonly header: EnvelopeHeader;
      /** `extensions.optional` is true, so the message may be dropped silently (R-5.3-4). */
      readonly optional: boolean;
    }
  | {
      readonly kind: "malformed";
      /** Short; names the field, if any; never quotes the frame's values (R-5.3-6). */
      readonly reason: string;
      /** The frame's `id` and `type`, as far as they could be read. */
      readonly id: string | undefined;
      readonly type: string | undefined;
      /** Set if only the payload is at fault: the `event_seq` still counts (R-8.1-3). */
      readonly header: EnvelopeHeader | undefined;
      /** The payload as received, if only that is at fault. */
      readonly payload: unknown;
    };

/** Decodes one frame. Never throws. */
export function decode(frame: string): Decoded {
  return decodeExpecting(frame, isPlainEvent, catalogue);
}

/**
 * Decodes one frame, with a fast path for the most frequent type of message. Never throws.
 * @param isPlain whether a document is of that type and already is its own decoded form: then no schema is run
 * @param known the types of message that can be decoded
 */
export function decodeExpecting(
  frame: string,
  isPlain: (document: Record<string, unknown>) => document is Record<string, unknown> & Envelope,
  known: Readonly<Record<string, MessageDefinition>>,
): Decoded {
  if (nestsDeeperThan(frame, MAX_JSON_DEPTH)) {
    return malformed(`the message nests deeper than ${MAX_JSON_DEPTH} levels`);
  }
  let raw: unknown;
  try {
    raw = JSON.parse(frame);
  } catch {
    return malformed(defectOf(frame) ?? "the message is not valid JSON");
  }
  if (!isObject(raw)) return malformed("the message is not a JSON object");
  if (isPlain(raw)) return { kind: "ok", message: raw };
  const header = EnvelopeHeader.safeParse(raw, english);
  if (!header.success) return malformed(explain(header.error), raw);
  const { type } = header.data;
  const definition = Object.hasOwn(known, type) ? known[type] : undefined;
  if (definition === undefined) {
    const optional = header.data.extensions?.["optional"] === true;
    return { kind: "unknown", header: header.data, optional };
  }
  const payload = definition.payload.safeParse(raw["payload"], english);
  if (!payload.success) return malformed(explain(payload.error, "payload"), raw, header.data);
  return { kind: "ok", message: { ...header.data, type, payload: payload.data } as Envelope };
}

/** What `encode` takes: a message with its payload in decoded form. */
export type Outgoing<T extends MessageType> = Omit<Envelope<T>, "arcp">;

/** Encodes one frame. Leaves undefined fields out, and validates nothing, since we built the message ourselves (R-5.1-1). */
export function encode<T extends MessageType>(message: Outgoing<T>): string {
  const version = { arcp: PROTOCOL_VERSION };
  // Twice: the first puts it in front for human readers, the last overrides another version in a message that was received.
  return JSON.stringify({ ...version, ...message, ...version });
}

function malformed(
  reason: string,
  raw?: Record<string, unknown>,
  header?: EnvelopeHeader,
): Decoded {
  return {
    kind: "malformed",
    reason,
    id: text(raw?.["id"]),
    type: text(raw?.["type"]),
    header,
    payload: header === undefined ? undefined : raw?.["payload"],
  };
}

function text(value: unknown): string | undefined {
  return typeof value === "string" && value.length > 0 && value.length <= 128 ? value : undefined;
}

const MAX_REASON = 300;

function explain(error: z.core.$ZodError, prefix?: string): string {
  const issue = error.issues[0];
  const path = [...(prefix === undefined ? [] : [prefix]), ...(issue?.path ?? [])].join(".");
  const reason = issue?.message ?? "is invalid";
  return beginning(path === "" ? reason : `${path}: ${reason}`, MAX_REASON);
}
