import * as z from "zod/mini";
import { JobId } from "./ids.ts";
import type { JobEvent } from "./job-messages.ts";
import { absent, isObject, JsonObject, mapped, objectOf } from "./json.ts";
import { LeaseConstraints, ToldLease } from "./lease.ts";
import { ErrorBody } from "./session-messages.ts";
import { isVendorName } from "./vendor-name.ts";

/** The levels of a `log` event, from the least to the most serious. */
export const logLevels = ["trace", "debug", "info", "warn", "error", "critical"] as const;
/** The level of a `log` event. */
export type LogLevel = (typeof logLevels)[number];

const Amount = z.number().check(z.minimum(0));

/** Go names the attributes `fields`. */
const Log = mapped(
  z.object({
    level: z.pipe(
      mapped(z.string(), (level) => level.toLowerCase()),
      z.enum(logLevels),
    ),
    message: z.string(),
    attributes: absent(JsonObject),
    fields: absent(JsonObject),
  }),
  ({ fields, ...body }) =>
    fields === undefined ? body : { ...body, attributes: body.attributes ?? fields },
);

/** A null `result` beside an `error` counts as absent; alone it is the result of a void tool. */
const ToolResult = mapped(
  z
    .object({
      call_id: z.string().check(z.minLength(1)),
      result: z.optional(z.unknown()),
      error: absent(ErrorBody),
    })
    .check(
      z.refine(
        ({ result, error }) =>
          error === undefined ? result !== undefined : result === undefined || result === null,
        { error: "must have either a result or an error" },
      ),
    ),
  (body) => (body.error === undefined ? body : { ...body, result: undefined }),
);

const Labels = objectOf(
  (value): value is string => typeof value === "string",
  "must be an object of strings",
);

/** The TypeScript SDK names the dimensions `dims`. */
const Metric = mapped(
  z.object({
    name: z.string().check(z.minLength(1)),
    value: z.number(),
    unit: absent(z.string()),
    dimensions: absent(Labels),
    dims: absent(Labels),
  }),
  ({ dims, ...body }) =>
    dims === undefined ? body : { ...body, dimensions: body.dimensions ?? dims },
);

/** The reserved kinds of events and the schemas of their bodies (section 8.2). */
export const eventBodies = {
  log: Log,
  thought: z.object({ text: z.string() }),
  tool_call: z.object({
    tool: z.string().check(z.minLength(1)),
    call_id: z.string().check(z.minLength(1)),
    args: z.optional(z.unknown()),
  }),
  tool_result: ToolResult,
  status: z.looseObject({ phase: z.string().check(z.minLength(1)), message: absent(z.string()) }),
  metric: Metric,
  artifact_ref: z.object({
    uri: z.string().check(z.minLength(1)),
    content_type: z.string().check(z.minLength(1)),
    byte_size: absent(z.int().check(z.minimum(0))),
    sha256: absent(z.string().check(z.regex(/^[0-9a-fA-F]{64}$/, "must be 64 hexadecimal digits"))),
  }),
  delegate: z.object({
    delegate_id: absent(z.string().check(z.minLength(1))),
    child_job_id: absent(JobId),
    agent: absent(z.string()),
    input: z.optional(z.unknown()),
    lease_request: absent(ToldLease),
    lease_constraints: absent(LeaseConstraints),
    max_runtime_sec: absent(z.int().check(z.minimum(1))),
  }),
  progress: z.object({
    current: Amount,
    total: absent(Amount),
    units: absent(z.string()),
    message: absent(z.string()),
  }),
  result_chunk: z.object({
    result_id: z.string().check(z.minLength(1)),
    chunk_seq: z.int().check(z.minimum(0)),
    data: z.string(),
    encoding: z.enum(["utf8", "base64"]),
    more: z.boolean(),
  }),
} as const;

/** A reserved kind of event, such as `progress`. */
export type EventKind = keyof typeof eventBodies;
/** The body of an event of a reserved kind, decoded. */
export type EventBody<K extends EventKind> = z.output<(typeof eventBodies)[K]>;

/** An event of a reserved kind with its body decoded; `kind` narrows `body`. */
export type KnownEvent = { [K in EventKind]: { kind: K; body: EventBody<K> } }[EventKind];

/** An event of a vendor's kind, passed on as received; `kind` is that on the wire, in any spelling (R-15-2). */
export interface VendorEvent {
  kind: `x-${string}`;
  body: Record<string, unknown>;
}

/** An event of an unknown kind, or with a body that cannot be decoded: passed on as received (R-8.1-3). */
export interface OpaqueEvent {
  kind: "opaque";
  /** The kind on the wire. */
  name: string;
  body: Record<string, unknown>;
}

/** Whether a kind is reserved. */
export function isEventKind(kind: string): kind is EventKind {
  return Object.hasOwn(eventBodies, kind);
}

/** Whether agents may emit events of this kind: a reserved kind or a vendor name (R-8.1-2). */
export function isEmittableKind(kind: string): boolean {
  return isEventKind(kind) || isVendorName(kind);
}

/** Decodes the payload of a `job.event`. Never fails: an event that is neither known nor a vendor's becomes opaque. */
export function readEvent(
  payload: z.output<typeof JobEvent>,
): KnownEvent | VendorEvent | OpaqueEvent {
  const { kind, body } = payload;
  if (kind === "log" && isPlainLog(body)) return { kind, body };
  if (isEventKind(kind)) {
    const parsed = eventBodies[kind].safeParse(body);
    if (parsed.success) return { kind, body: parsed.data } as KnownEvent;
  }
  return isVendorKind(kind) ? { kind, body } : { kind: "opaque", name: kind, body };
}

function isVendorKind(kind: string): kind is VendorEvent["kind"] {
  return kind.startsWith("x-");
}

const levels: ReadonlySet<unknown> = new Set(logLevels);

/** Whether the schema would return the body unchanged. Streams consist mostly of such events, see `isPlainEvent`. */
function isPlainLog(
  body: Record<string, unknown>,
): body is Record<string, unknown> & EventBody<"log"> {
  for (const field in body) {
    if (!isPlainLogField(field, body[field])) return false;
  }
  return "level" in body && "message" in body;
}

function isPlainLogField(field: string, value: unknown): boolean {
  switch (field) {
    case "level":
      return levels.has(value);
    case "message":
      return typeof value === "string";
    case "attributes":
      return isObject(value);
    default:
      return false;
  }
}
