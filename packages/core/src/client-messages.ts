import * as z from "zod/mini";
import { JobId, SessionId } from "./ids.ts";
import { absent, JsonObject, mapped } from "./json.ts";
import { LeaseConstraints } from "./lease.ts";
import { LeaseRequest } from "./lease-request.ts";
import { jobStatuses } from "./lifecycle.ts";
import { Bye, PeerDescription, Reason, Sequence } from "./session-messages.ts";
import { Timestamp } from "./timestamp.ts";

// The messages that only clients send. They are kept apart because a web page never has to decode them.

/**
 * How a client proves its identity (R-6.1-1). Missing fields decode as empty strings, since a missing token or an unsupported
 * scheme is `UNAUTHENTICATED`, not malformed (R-6.1-2).
 */
export const Auth = z.object({ scheme: orEmpty(), token: orEmpty() });

function orEmpty(): z.ZodMiniType<string, string | null | undefined> {
  return mapped(z.nullish(z.string()), (text) => text ?? "");
}

/** Vendor keys are passed on unchanged (R-15-2). */
const ClientCapabilities = z.looseObject({
  encodings: absent(z.array(z.string())),
  features: absent(z.array(z.string())),
});

const ResumePosition = z.object({
  session_id: absent(SessionId),
  resume_token: z.string().check(z.minLength(1)),
  last_event_seq: absent(Sequence),
});

/** Opens a session, or resumes one in either of the two forms that other SDKs use (R-6.3-1). */
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

export const Close = Bye;

export const Submit = z.object({
  agent: z.string(),
  /** Absent means null. */
  input: z._default(z.unknown(), null),
  lease_request: absent(LeaseRequest),
  lease_constraints: absent(LeaseConstraints),
  idempotency_key: absent(z.string().check(z.minLength(1), z.maxLength(256))),
  max_runtime_sec: absent(z.int().check(z.minimum(1))),
  /** C# delegates by submitting (R-D-12). */
  parent_job_id: absent(JobId),
  /** Java puts the trace context here (R-11-3). */
  extensions: absent(JsonObject),
});

export const Cancel = z.object({ job_id: absent(JobId), reason: absent(Reason) });

export const Subscribe = z
  .object({
    job_id: absent(JobId),
    history: absent(z.boolean()),
    from_event_seq: absent(Sequence),
    from_job_seq: absent(Sequence),
  })
  .check(
    z.refine(
      (payload) => payload.from_event_seq === undefined || payload.from_job_seq === undefined,
      { error: "takes from_event_seq or from_job_seq, not both" },
    ),
  );

export const Unsubscribe = z.object({ job_id: absent(JobId) });
