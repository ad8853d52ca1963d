import { z } from "zod";

const TRACE_ID = /^[0-9a-f]{32}$/;
// Later versions may append fields; version ff is forbidden.
const TRACEPARENT = /^(?!ff)[0-9a-f]{2}-([0-9a-f]{32})-[0-9a-f]{16}-[0-9a-f]{2}(?:-|$)/;
const ZERO = /^0+$/;

/** A `trace_id` as received. What is not even text is ignored, never refused (R-11-2). */
export const TraceField = z
  .unknown()
  .transform((value) => (typeof value === "string" ? value : undefined))
  .optional();

/**
 * Reads a `trace_id` that is either a bare W3C trace id or a complete `traceparent` (R-11-2).
 * @returns the 32 hexadecimal digits, or undefined when the value is unusable and to be ignored
 */
export function readTraceId(text: string): string | undefined {
  const lower = text.toLowerCase();
  const id = TRACE_ID.test(lower) ? lower : TRACEPARENT.exec(lower)?.[1];
  return id === undefined || ZERO.test(id) ? undefined : id;
}
