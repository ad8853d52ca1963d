import * as z from "zod/mini";
import { JobId, MessageId } from "./ids.ts";
import { absent, JsonObject, mapped, objectOf, orNull } from "./json.ts";
import { EffectiveLease, LeaseConstraints } from "./lease.ts";
import { completeError, errorFields, Reason, Sequence, StatusName } from "./session-messages.ts";
import { Timestamp } from "./timestamp.ts";
import { TraceField } from "./trace.ts";

const Budget = objectOf(
  (value): value is number => Number.isFinite(value),
  "must be an object of amounts",
);

/** A secret for one job, to be presented only to its `endpoint` (section 9.8). */
export const Credential = z.object({
  id: z.string(),
  scheme: z.string(),
  value: z.string(),
  endpoint: z.string(),
  profile: absent(z.string()),
  constraints: absent(JsonObject),
});

export const Accepted = z.object({
  request_id: absent(MessageId),
  job_id: JobId,
  agent: z.string(),
  lease: EffectiveLease,
  lease_constraints: absent(LeaseConstraints),
  budget: absent(Budget),
  credentials: absent(z.array(Credential)),
  accepted_at: absent(Timestamp),
  parent_job_id: absent(JobId),
  delegate_id: absent(z.string()),
  trace_id: TraceField,
  /** Older history is missing, for a job that existed already. */
  truncated: absent(z.boolean()),
});

/** An event of a job. The shape of `body` depends on `kind`, see `readEvent` (R-8.1-1, R-8.1-3). */
export const JobEvent = z.object({
  kind: z.string().check(z.minLength(1)),
  ts: absent(Timestamp),
  /** Go omits an empty body. */
  body: mapped(absent(JsonObject), (body) => body ?? {}),
});

/** Either an inline `result` or a `result_id` of streamed chunks (section 7.3). Go names the result `output`. */
export const JobResult = z.object({
  final_status: z.literal("success"),
  result: z.optional(z.unknown()),
  output: z.optional(z.unknown()),
  result_id: absent(z.string()),
  result_size: absent(Sequence),
  summary: absent(z.string()),
});

export const JobError = mapped(
  z.object({
    final_status: z.enum(["error", "cancelled", "timed_out"]),
    ...errorFields,
    request_id: absent(MessageId),
  }),
  completeError,
);

export const Cancelled = z.object({
  request_id: absent(MessageId),
  job_id: absent(JobId),
  reason: absent(Reason),
  current_status: absent(StatusName),
});

/** The state and authority of a job at the moment of subscribing (section 7.6). */
export const Subscribed = z.object({
  request_id: absent(MessageId),
  job_id: JobId,
  current_status: StatusName,
  agent: z.string(),
  lease: EffectiveLease,
  lease_constraints: absent(LeaseConstraints),
  budget: absent(Budget),
  credentials: absent(z.array(Credential)),
  parent_job_id: orNull(JobId),
  trace_id: TraceField,
  subscribed_from: absent(Sequence),
  replayed: absent(z.boolean()),
  truncated: absent(z.boolean()),
  last_job_seq: absent(Sequence),
});
