import * as z from "zod/mini";
import { parseAgentReference } from "./agent-reference.ts";
import { defaultRetryable, meaningOf } from "./error-code.ts";
import { JobId, MessageId } from "./ids.ts";
import { absent, JsonObject, mapped, orNull } from "./json.ts";
import { EffectiveLease } from "./lease.ts";
import { Timestamp } from "./timestamp.ts";
import { TraceField } from "./trace.ts";

export const Sequence = z.int().check(z.minimum(0));
export const Reason = z.string().check(z.maxLength(1024));

/** What a peer says about itself. Informational only: it is never used to authenticate anybody (R-6.1-3). */
export const PeerDescription = z.object({
  name: absent(z.string()),
  version: absent(z.string()),
  fingerprint: absent(z.string()),
  principal: absent(z.string()),
});

/** An agent that a principal may submit to. Plain strings and missing versions are accepted (R-6.2-8). */
export const AgentEntry = z.union([
  mapped(z.string(), (text) => {
    const reference = parseAgentReference(text);
    return {
      name: reference?.name ?? text,
      versions: reference?.version === undefined ? [] : [reference.version],
      default: reference?.version,
    };
  }),
  mapped(
    z.object({
      name: z.string(),
      versions: absent(z.array(z.string())),
      default: absent(z.string()),
    }),
    (entry) => ({ ...entry, versions: entry.versions ?? [] }),
  ),
]);
export type AgentEntry = z.infer<typeof AgentEntry>;

export const Welcome = z.object({
  runtime: absent(PeerDescription),
  resume_token: z.string().check(z.minLength(1)),
  resume_window_sec: z.int().check(z.minimum(1)),
  heartbeat_interval_sec: absent(z.int().check(z.minimum(1))),
  capabilities: z.looseObject({
    encodings: absent(z.array(z.string())),
    features: absent(z.array(z.string())),
    agents: absent(z.array(AgentEntry)),
  }),
});

interface ReceivedError {
  code: string;
  message?: string | undefined;
  retryable?: boolean | undefined;
  details?: Record<string, unknown> | undefined;
  detail?: unknown;
}

export const errorFields = {
  code: z.string().check(z.minLength(1)),
  message: absent(z.string()),
  retryable: absent(z.boolean()),
  details: absent(JsonObject),
  detail: z.optional(z.unknown()),
};

/** Fills in what the sender left out, from the table of codes (R-12-3). C# sends its explanation as a string named `detail`. */
export function completeError<E extends ReceivedError>(
  error: E,
): Omit<E, "detail"> & { message: string; retryable: boolean } {
  const { detail, ...rest } = error;
  const { code } = error;
  return {
    ...rest,
    ...(typeof detail === "string" && error.details === undefined ? { details: { detail } } : {}),
    message: error.message || meaningOf(code),
    retryable: error.retryable ?? defaultRetryable(code),
  };
}

export const ErrorBody = mapped(z.object(errorFields), completeError);

/** Without a `request_id`, the error is fatal or uncorrelated (R-5.4-2, R-12-5). */
export const SessionError = mapped(
  z.object({ ...errorFields, request_id: absent(MessageId), job_id: absent(JobId) }),
  completeError,
);

export const Ping = z.object({
  nonce: z.string().check(z.minLength(1), z.maxLength(128)),
  sent_at: absent(Timestamp),
});
export const Pong = z.object({
  ping_nonce: z.string().check(z.minLength(1), z.maxLength(128)),
  received_at: absent(Timestamp),
});
/** A job status as sent by a peer. C# writes `timedout`. */
export const StatusName = mapped(z.string(), (status) =>
  status === "timedout" ? "timed_out" : status,
);

export const JobListing = z.object({
  job_id: JobId,
  agent: z.string(),
  status: StatusName,
  lease: EffectiveLease,
  parent_job_id: orNull(JobId),
  created_at: Timestamp,
  trace_id: TraceField,
  last_event_seq: absent(Sequence),
  last_job_seq: absent(Sequence),
});

export const Jobs = z.object({
  request_id: absent(MessageId),
  jobs: z.array(JobListing),
  next_cursor: orNull(z.string()),
});

export const Closed = z.object({ request_id: absent(MessageId), reason: absent(Reason) });
export const Bye = z.object({ reason: absent(Reason) });
