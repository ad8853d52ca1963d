import {
  type Feature,
  isLongerThan,
  type Lease,
  MAX_JSON_DEPTH,
  nestsDeeperThan,
  type Outgoing,
  type Payload,
  readTrace,
  TRACE_CONTEXT,
} from "@arcp/core";
import { checkNames, misuse } from "./misuse.ts";
import { timeOf } from "./time-of.ts";

/** What a job may do and how long it may take, and how it is submitted. */
export interface SubmitOptions {
  /** What the job may do; anything not listed is not allowed. Default: nothing. */
  readonly lease?: Lease | undefined;
  /** Whole seconds after acceptance when the runtime ends the job with `TIMEOUT`; at least 1. Default: no limit. */
  readonly maxRuntimeSec?: number | undefined;
  /** When the lease ends, and with it the job. Default: never. */
  readonly expiresAt?: Date | undefined;
  /**
   * Makes the submit repeatable: the same key with the same parameters leads to the same job, in every session of this
   * principal, for at least a day. 1 to 256 characters.
   */
  readonly idempotencyKey?: string | undefined;
  /** Aborting it ends the wait for the acceptance. A submit that was already sent may still start its job. */
  readonly signal?: AbortSignal | undefined;
  /**
   * The trace that the job belongs to, as W3C headers: the carrier that an OpenTelemetry propagator fills. An unusable trace is
   * left out, like an empty carrier; then the runtime starts a new one. Default: none.
   */
  readonly traceContext?:
    | {
        readonly traceparent?: string | undefined;
        readonly tracestate?: string | undefined;
      }
    | undefined;
}

/**
 * @param input any JSON value; undefined is sent as null
 * @throws LocalError `MISUSE` for values that JSON would drop or turn into null, for a `maxRuntimeSec` that is not a whole number
 *   from 1, and for an unknown option
 */
export function submission(
  agent: string,
  input: unknown,
  {
    lease,
    expiresAt,
    maxRuntimeSec,
    idempotencyKey,
    signal: _,
    traceContext: __,
    ...foreign
  }: SubmitOptions,
): Payload<"job.submit"> {
  checkNames("submit", foreign);
  if (typeof agent !== "string") throw misuse("the agent must be name or name@version");
  const seconds = maxRuntimeSec ?? 1;
  if (!(Number.isSafeInteger(seconds) && seconds >= 1)) {
    throw misuse(`maxRuntimeSec must be a whole number from 1, not ${seconds}`);
  }
  // JSON would leave it out, and the agent would get null.
  if (typeof input === "function" || typeof input === "symbol") {
    throw misuse("the input is not JSON");
  }
  return {
    agent,
    input: input ?? null,
    lease_request: lease,
    lease_constraints:
      expiresAt === undefined ? undefined : { expires_at: timeOf("expiresAt", expiresAt) },
    idempotency_key: idempotencyKey,
    max_runtime_sec: maxRuntimeSec,
  };
}

/** The trace fields of a submit's envelope (R-11-1, R-11-3). */
export function traced({
  traceContext,
}: SubmitOptions): Pick<Outgoing<"job.submit">, "trace_id" | "extensions"> {
  const trace = readTrace({ extensions: { [TRACE_CONTEXT]: traceContext }, payload: {} });
  if (trace === undefined) return {};
  return { trace_id: trace.traceId, extensions: { [TRACE_CONTEXT]: trace.context } };
}

/** The features that a submit relies on; without them it must not be sent (R-6.2-2). */
export function demanded({
  agent,
  lease_request: lease,
  lease_constraints: constraints,
}: Payload<"job.submit">): Feature[] {
  const demanded: Feature[] = [];
  if (agent.includes("@")) demanded.push("agent_versions");
  if (lease?.["cost.budget"] !== undefined) demanded.push("cost.budget");
  if (lease?.["model.use"] !== undefined) demanded.push("model.use");
  if (constraints?.expires_at !== undefined) demanded.push("lease_expires_at");
  return demanded;
}

/** The largest message that may be sent, in bytes (R-4.1-7). */
const MAX_FRAME = 1024 * 1024;

/** @throws LocalError `MISUSE` for a frame that no runtime would accept */
export function checkSize(frame: string): void {
  // The runtime would not parse it, and so could not say which request it refuses (R-5.2-7).
  if (nestsDeeperThan(frame, MAX_JSON_DEPTH)) {
    throw misuse(`the message nests deeper than ${MAX_JSON_DEPTH} levels of JSON`);
  }
  if (isLongerThan(frame, MAX_FRAME)) {
    throw misuse(`the message is longer than ${MAX_FRAME} bytes`);
  }
}
