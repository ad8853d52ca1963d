import { types } from "node:util";
import { ArcpError, type EventSchemas, isEventKind, isVendorName, type LogLevel } from "@arcp/core";
import { exactCost, isCostMetric } from "../authority/money.ts";
import { quoted } from "../authority/quoted.ts";
import { isRawJson } from "../exact-number.ts";
import type { Job } from "../jobs/job.ts";
import { noJson } from "../jobs/no-json.ts";
import type { AgentContext, Log } from "./context.ts";
import { eventBody, vendorBody } from "./event-body.ts";
import { jsonMethod } from "./json-method.ts";

// Validates what an agent emits through its context, and emits it as an event of the job.

const RESERVED_PHASES: readonly string[] = ["running", "back_pressure", "credential_rotated"];

/** The methods of `ctx.log`. */
export function logOf(job: Job): AgentContext["log"] {
  const log =
    (level: LogLevel): Log =>
    (message, attributes) =>
      job.events.emit("log", {
        level,
        message: text(message, "a log message"),
        attributes: attributes === undefined ? undefined : object(attributes, "log attributes"),
      });
  return {
    trace: log("trace"),
    debug: log("debug"),
    info: log("info"),
    warn: log("warn"),
    error: log("error"),
    critical: log("critical"),
  };
}

/** Emits a metric, and charges it exactly if it is a cost (R-9.6-3). */
export function emitMetric(job: Job, metric: Parameters<AgentContext["metric"]>[0]): Promise<void> {
  const { dimensions, ...measured } = eventBody("metric", metric);
  // Copied, so that what is sent is what was validated, even if the agent's object has a `toJSON`.
  const body = { ...measured, dimensions: dimensions && { ...dimensions } };
  if (body.name.startsWith("cost.budget."))
    throw invalid(`the metric ${body.name} is reserved for the runtime`);
  if (!isCostMetric(body.name)) return job.events.emit("metric", body);
  const amount = exactCost(body.value);
  if (amount === undefined) throw invalid("a cost must be a finite number of zero or more");
  return job.costs.emit(body, amount);
}

export function emitThought({ events }: Job, thought: string): Promise<void> {
  return events.emit("thought", { text: text(thought, "a thought") });
}

export function emitStatus({ events }: Job, phase: string, message?: string): Promise<void> {
  if (RESERVED_PHASES.includes(phase))
    throw invalid(`the phase ${phase} is reserved for the runtime`);
  return events.emit("status", eventBody("status", { phase, message }));
}

export function emitProgress(
  { events }: Job,
  progress: Parameters<AgentContext["progress"]>[0],
): Promise<void> {
  const body = eventBody("progress", progress);
  // Some SDKs reject a progress whose current exceeds its total (R-8.2-2).
  const { total, ...rest } = body;
  const fits = total === undefined || body.current <= total;
  return events.emit("progress", fits ? body : rest, "progress");
}

/** @param own the agent's own kinds of events; undefined for any kind */
export function emitOwn(
  { events }: Job,
  own: EventSchemas | undefined,
  kind: unknown,
  given: unknown,
): Promise<void> {
  // A one-element array converts to the same string, but would be sent as an array.
  if (typeof kind !== "string" || !isVendorName(kind)) {
    throw invalid(
      typeof kind === "string" && isEventKind(kind)
        ? `a ${kind} event has its own method: use that instead of emit`
        : `${quoted(kind)} is not an event kind; a vendor's is x-vendor.<vendor>.<name>`,
    );
  }
  const body = own === undefined ? given : vendorBody(own, kind, given);
  return events.emit(kind, object(body, "the body of an event"));
}

function text(value: unknown, what: string): string {
  if (typeof value === "string") return value;
  throw invalid(`${what} must be a string`);
}

/** Checks that the value is an object once it is JSON: a `Date` or a `String` is not (R-8.1-1). */
function object(value: unknown, what: string): object {
  const own = ownJson(value, what);
  const checked = (given: unknown): object => {
    if (isPlainObject(given)) return given;
    throw invalid(`${what} must be an object`);
  };
  return own === undefined ? checked(value) : { toJSON: (key: string) => checked(own(key)) };
}

function ownJson(value: unknown, what: string): ReturnType<typeof jsonMethod> {
  try {
    return jsonMethod(value);
  } catch (thrown) {
    throw noJson(what, thrown);
  }
}

function isPlainObject(value: unknown): value is object {
  if (typeof value !== "object" || value === null) return false;
  return !Array.isArray(value) && !types.isBoxedPrimitive(value) && !isRawJson(value);
}

function invalid(message: string): ArcpError {
  return new ArcpError("INVALID_REQUEST", message);
}
