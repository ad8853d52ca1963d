import { z } from "zod/mini";
import { parseAgentReference } from "./agent-reference.ts";
import { defaultRetryable, meaningOf } from "./error-code.ts";
import { JobId, MessageId, SessionId } from "./ids.ts";
import { absent, JsonObject, mapped, orNull } from "./json.ts";
import { EffectiveLease } from "./lease.ts";
import { jobStatuses } from "./lifecycle.ts";
import { Timestamp } from "./timestamp.ts";
import { TraceField } from "./trace.ts";

const Sequence = z.int().check(z.minimum(0));
const Reason = z.string().check(z.maxLength(1024));

/**
 * How a client proves who it is (R-6.1-1). What is missing reads as empty: a missing token and an unsupported scheme
 * are `UNAUTHENTICATED`, not malformed (R-6.1-2).
 */
export const Auth = z.object({ scheme: orEmpty(), token: orEmpty() });

function orEmpty(): z.ZodMiniType<string, string | null | undefined> {
  return mapped(z.nullish(z.string()), (text) => text ?? "");
}

/** What a peer says of itself. Informational: it never decides who somebody is (R-6.1-3). */
export const PeerDescription = z.object({
  name: absent(z.string()),
  version: absent(z.string()),
  fingerprint: absent(z.string()),
  principal: absent(z.string()),
});

/** Vendor keys are handed on unchanged (R-15-2). */
const ClientCapabilities = z.looseObject({
  encodings: absent(z.array(z.string())),
  features: absent(z.array(z.string())),
});

const ResumePosition = z.object({
  session_id: absent(SessionId),
  resume_token: z.string().check(z.minLength(1)),
  last_event_seq: absent(Sequence),
});

/** Opens a session, or resumes one in the two forms that other SDKs use (R-6.3-1). */
export const Hello = z.object({
  client: absent(PeerDescription),
  auth: absent(Auth),
  capabilities: absent(ClientCapabilities),
  resume: absent(ResumePosition),
  resume_token: absent(z.string().check(z.minLength(1))),
  last_event_seq: absent(Sequence),
});

export const Resume = z.extend(ResumePosition, {
  auth: absent(Auth),
  client: absent(PeerDescription),
  capabilities: absent(ClientCapabilities),
});

/** An agent that a principal may submit to. Plain strings and missing versions are understood (R-6.2-8). */
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

/** Fills what the sender left out from the table of codes (R-12-3). C# explains itself in a string named `detail`. */
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

/** Without `request_id` it is fatal or uncorrelated (R-5.4-2, R-12-5). */
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
export const Ack = z.object({ last_processed_seq: Sequence });

export const ListJobs = z.object({
  filter: absent(
    z.object({
      status: absent(z.array(z.enum(jobStatuses))),
      agent: absent(z.string()),
      created_after: absent(Timestamp),
      created_before: absent(Timestamp),
    }),
  ),
  limit: absent(z.int().check(z.minimum(1))),
  cursor: absent(z.string()),
});

/** A state as told by a peer. C# writes `timedout`. */
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

export const Close = z.object({ reason: absent(Reason) });
export const Closed = z.object({ request_id: absent(MessageId), reason: absent(Reason) });
export const Bye = Close;
