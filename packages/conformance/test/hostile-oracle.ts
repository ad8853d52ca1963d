import type { HostileFrame, Knowledge } from "./hostile-corpus.ts";

/** What may come of a frame on an established session, found without any code of the runtime. */
export type Expectation =
  /** The connection is closed with one of these codes, without a word or behind one. */
  | { readonly kind: "closed"; readonly codes: readonly number[] }
  /** One error, under this id if it could be read. */
  | { readonly kind: "refused"; readonly id: string | undefined }
  /** One reply of this type, or one error. */
  | { readonly kind: "answered"; readonly id: string; readonly type: string }
  /** Nothing, or one error. */
  | { readonly kind: "silent"; readonly id: string }
  /** The connection is closed in good order, or one error. */
  | { readonly kind: "parting"; readonly id: string };

const MAX_FRAME = 4 * 1024 * 1024;
const MAX_DEPTH = 128;

const replies = new Map([
  ["session.ping", "session.pong"],
  ["session.list_jobs", "session.jobs"],
  ["job.submit", "job.accepted"],
  ["job.cancel", "job.cancelled"],
  ["job.subscribe", "job.subscribed"],
]);
const silent = new Set(["session.pong", "session.ack", "job.unsubscribe"]);

/** @param maxFrame bytes that a message may have */
export function expectationOf(
  { data, binary }: HostileFrame,
  known: Pick<Knowledge, "session">,
  maxFrame = MAX_FRAME,
): Expectation {
  if (binary) return { kind: "closed", codes: [1003] };
  if (Buffer.byteLength(data) > maxFrame) return { kind: "closed", codes: [1009] };
  const text = textOf(data);
  if (text === undefined) return { kind: "closed", codes: [1003, 1007] };
  const message = nests(text) > MAX_DEPTH ? undefined : objectOf(text);
  const id = message && idOf(message);
  const type = message?.["type"];
  if (message === undefined || id === undefined || typeof type !== "string") {
    return { kind: "refused", id };
  }
  const session = message["session_id"] ?? known.session;
  if (session !== known.session) return { kind: "refused", id };
  if (type.startsWith("x-vendor.")) {
    const { extensions } = message as { extensions?: { optional?: unknown } };
    return extensions?.optional === true ? { kind: "silent", id } : { kind: "refused", id };
  }
  if (silent.has(type)) return { kind: "silent", id };
  if (type === "session.close" || type === "session.bye") return { kind: "parting", id };
  const reply = replies.get(type);
  return reply === undefined ? { kind: "refused", id } : { kind: "answered", id, type: reply };
}

/** Whether a frame could open a session: anything else is refused before the welcome. */
export function mayOpen({ data, binary }: HostileFrame): boolean {
  const message = binary ? undefined : objectOf(textOf(data) ?? "");
  return message?.["type"] === "session.hello" || message?.["type"] === "session.resume";
}

function textOf(data: string | Buffer): string | undefined {
  // What UTF-8 cannot say does not arrive.
  if (typeof data === "string") return Buffer.from(data).toString();
  try {
    // A byte-order mark is part of the text, and no JSON.
    return new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(data);
  } catch {
    return undefined;
  }
}

function objectOf(text: string): Record<string, unknown> | undefined {
  try {
    const value: unknown = JSON.parse(text);
    const isObject = typeof value === "object" && value !== null && !Array.isArray(value);
    return isObject ? (value as Record<string, unknown>) : undefined;
  } catch {
    return undefined;
  }
}

/** How deep the brackets go, strings apart. */
function nests(text: string): number {
  let [depth, deepest] = [0, 0];
  for (const [token] of text.matchAll(/"(?:[^"\\]|\\.)*"?|[[{]|[\]}]/gs)) {
    if (token === "[" || token === "{") deepest = Math.max(deepest, ++depth);
    else if (token === "]" || token === "}") depth -= 1;
  }
  return deepest;
}

function idOf({ id }: Record<string, unknown>): string | undefined {
  return typeof id === "string" && id.length > 0 && id.length <= 128 ? id : undefined;
}
