import * as z from "zod/mini";
import { beginning } from "./beginning.ts";
import { isObject, mapped } from "./json.ts";
import { randomHex } from "./random.ts";

const TRACE_ID = /^[0-9a-f]{32}$/;
// Later versions may append fields; version ff is forbidden.
const TRACEPARENT = /^(?!ff)[0-9a-f]{2}-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})(?:-|$)/;
/** How many characters are looked at: enough for a `traceparent`, and to tell whether what follows it is valid. */
const DECISIVE = 57;
const ZERO = /^0+$/;
// Printable ASCII, as allowed in a header, and no longer than what everybody has to pass on.
const TRACESTATE = /^[\x20-\x7e]{1,512}$/;

/** The key of the complete trace context in the `extensions` of the envelope or of the payload (R-11-3). */
export const TRACE_CONTEXT = "x-vendor.opentelemetry.tracecontext";

/** The trace context that a caller passes on, named like the headers of W3C Trace Context. */
export interface TraceContext {
  /** Version, trace id, parent id and flags: `00-<32 digits>-<16 digits>-<2 digits>`. */
  readonly traceparent: string;
  readonly tracestate?: string;
}

/** The parts of a message that may carry a trace context. */
export interface TraceCarrier {
  readonly trace_id?: string | undefined;
  readonly extensions?: Record<string, unknown> | undefined;
  readonly payload: { readonly extensions?: Record<string, unknown> | undefined };
}

/** A `trace_id` as received. A value that is not even text is ignored, never refused (R-11-2). */
export const TraceField = z.optional(
  mapped(z.unknown(), (value) => (typeof value === "string" ? value : undefined)),
);

/**
 * Reads a `trace_id` that is either a bare W3C trace id or a complete `traceparent` (R-11-2).
 * @returns the 32 hexadecimal digits, or undefined if the value is unusable and must be ignored
 */
export function readTraceId(text: string): string | undefined {
  const lower = decisive(text);
  const id = TRACE_ID.test(lower) ? lower : TRACEPARENT.exec(lower)?.[1];
  return id === undefined || ZERO.test(id) ? undefined : id;
}

/**
 * The trace that a message belongs to, and its context as far as the message gives one (R-11-2, R-11-3). A usable `trace_id`
 * takes precedence: a context of another trace is ignored, as is everything unusable.
 * @returns undefined if the message names no trace
 */
export function readTrace({
  trace_id: text = "",
  extensions,
  payload,
}: TraceCarrier): { readonly traceId: string; readonly context?: TraceContext } | undefined {
  // Most messages name no trace.
  if (text === "" && extensions === undefined && payload.extensions === undefined) return undefined;
  const contexts = [extensions?.[TRACE_CONTEXT], payload.extensions?.[TRACE_CONTEXT]]
    .map(readContext)
    .concat(readContext({ traceparent: text }))
    .filter((context) => context !== undefined);
  const traceId = readTraceId(text) ?? contexts[0]?.traceId;
  if (traceId === undefined) return undefined;
  const context = contexts.find((one) => one.traceId === traceId)?.context;
  return { traceId, ...(context !== undefined && { context }) };
}

/**
 * A context for a trace without a known parent span: the parent id is new. The flag is "sampled", because a bare trace id does
 * not decide about sampling, and "not sampled" would keep everybody who receives the context from tracing at all.
 */
export function newTraceContext(traceId: string): TraceContext {
  const parent = randomHex(8);
  return ZERO.test(parent)
    ? newTraceContext(traceId)
    : { traceparent: `00-${traceId}-${parent}-01` };
}

function readContext(
  value: unknown,
): { readonly traceId: string; readonly context: TraceContext } | undefined {
  if (!isObject(value) || typeof value["traceparent"] !== "string") return undefined;
  const { traceparent, tracestate } = value;
  const [, traceId = "", parent = "", flags = ""] = TRACEPARENT.exec(decisive(traceparent)) ?? [];
  if (traceId === "" || ZERO.test(traceId) || ZERO.test(parent)) return undefined;
  // Fields that a later version appends are not passed on.
  const context = { traceparent: `00-${traceId}-${parent}-${flags}` };
  const usable = typeof tracestate === "string" && TRACESTATE.test(tracestate);
  return { traceId, context: usable ? { ...context, tracestate } : context };
}

/** Cuts the text first, since a peer may send megabytes, and what is read from it is kept with a job. */
function decisive(text: string): string {
  return beginning(text, DECISIVE).toLowerCase();
}
