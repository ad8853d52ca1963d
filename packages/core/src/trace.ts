import * as z from "zod/mini";
import { beginning } from "./beginning.ts";
import { isObject, mapped } from "./json.ts";
import { randomHex } from "./random.ts";

const TRACE_ID = /^[0-9a-f]{32}$/;
// Later versions may append fields; version ff is forbidden.
const TRACEPARENT = /^(?!ff)[0-9a-f]{2}-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})(?:-|$)/;
/** Characters that decide: of a `traceparent`, and of what may follow it. */
const DECISIVE = 57;
const ZERO = /^0+$/;
// Printable ASCII, as it may stand in a header; as long as everybody has to pass on.
const TRACESTATE = /^[\x20-\x7e]{1,512}$/;

/** Where the complete context travels: in `extensions`, of the envelope or of the payload (R-11-3). */
export const TRACE_CONTEXT = "x-vendor.opentelemetry.tracecontext";

/** What a caller hands on of a trace, as the headers of W3C Trace Context name it. */
export interface TraceContext {
  /** Version, trace id, parent id and flags: `00-<32 digits>-<16 digits>-<2 digits>`. */
  readonly traceparent: string;
  readonly tracestate?: string;
}

/** A message in as far as it may carry a trace context. */
export interface TraceCarrier {
  readonly trace_id?: string | undefined;
  readonly extensions?: Record<string, unknown> | undefined;
  readonly payload: { readonly extensions?: Record<string, unknown> | undefined };
}

/** A `trace_id` as received. What is not even text is ignored, never refused (R-11-2). */
export const TraceField = z.optional(
  mapped(z.unknown(), (value) => (typeof value === "string" ? value : undefined)),
);

/**
 * Reads a `trace_id` that is either a bare W3C trace id or a complete `traceparent` (R-11-2).
 * @returns the 32 hexadecimal digits, or undefined when the value is unusable and to be ignored
 */
export function readTraceId(text: string): string | undefined {
  const lower = decisive(text);
  const id = TRACE_ID.test(lower) ? lower : TRACEPARENT.exec(lower)?.[1];
  return id === undefined || ZERO.test(id) ? undefined : id;
}

/**
 * The trace that a message belongs to, and as much as it says of its context (R-11-2, R-11-3). A usable `trace_id` decides:
 * a context of another trace is ignored, like everything unusable.
 * @returns undefined when it names no trace
 */
export function readTrace({
  trace_id: text = "",
  extensions,
  payload,
}: TraceCarrier): { readonly traceId: string; readonly context?: TraceContext } | undefined {
  // As most messages are.
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
 * A context without a caller who is known: its parent id is fresh. It says "sampled", because "not sampled" would keep those
 * who get it from tracing at all, and a bare trace id decides nothing.
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
  // What a later version appends is not ours to pass on.
  const context = { traceparent: `00-${traceId}-${parent}-${flags}` };
  const usable = typeof tracestate === "string" && TRACESTATE.test(tracestate);
  return { traceId, context: usable ? { ...context, tracestate } : context };
}

/** What a peer sent may be megabytes, and what is read of it is kept with a job. */
function decisive(text: string): string {
  return beginning(text, DECISIVE).toLowerCase();
}
