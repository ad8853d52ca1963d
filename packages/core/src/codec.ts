import type * as z from "zod/mini";
import { beginning } from "./beginning.ts";
import { catalogue, type MessageType } from "./catalogue.ts";
import { english } from "./english.ts";
import { type Envelope, EnvelopeHeader, PROTOCOL_VERSION } from "./envelope.ts";
import { isObject, MAX_JSON_DEPTH, nestsDeeperThan } from "./json.ts";
import type { MessageDefinition } from "./message-definition.ts";
import { isPlainEvent } from "./plain-event.ts";
import { defectOf } from "./unreadable-frame.ts";

/** What a frame turned out to be. */
export type Decoded =
  | { readonly kind: "ok"; readonly message: Envelope }
  /** Not one of ours: a vendor's type, or a type of another protocol. */
  | {
      readonly kind: "unknown";
      readonly header: EnvelopeHeader;
      /** `extensions.optional` is true: may be dropped silently (R-5.3-4). */
      readonly optional: boolean;
    }
  | {
      readonly kind: "malformed";
      /** Short, names the field where there is one, quotes nothing of the frame's values (R-5.3-6). */
      readonly reason: string;
      /** As far as they could be read. */
      readonly id: string | undefined;
      readonly type: string | undefined;
      /** There when only the payload is at fault: its `event_seq` still counts (R-8.1-3). */
      readonly header: EnvelopeHeader | undefined;
      /** As it came, when only the payload is at fault. */
      readonly payload: unknown;
    };

/** Reads one frame. Never throws. */
export function decode(frame: string): Decoded {
  return decodeExpecting(frame, isPlainEvent, catalogue);
}

/**
 * @param isPlain whether a document is a message as it stands, and of the type that most frames are: then no schema is asked
 * @param known the types of messages that there are
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

/** What `encode` takes: the sender's view of a message, its payload as the schema reads it. */
export type Outgoing<T extends MessageType> = Omit<Envelope<T>, "arcp">;

/** Writes one frame. Undefined fields are left out; nothing is validated, since we built it ourselves (R-5.1-1). */
export function encode<T extends MessageType>(message: Outgoing<T>): string {
  const version = { arcp: PROTOCOL_VERSION };
  // Twice: first for the eye, last because a message that was received may name another version.
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
