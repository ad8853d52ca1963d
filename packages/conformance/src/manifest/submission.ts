import type { RequirementRow } from "./requirement-row.ts";

export const submission = [
  {
    id: "R-7.1-1",
    section: "7.1",
    strength: "MUST",
    side: "runtime",
    behaviour:
      "A runtime MUST check a submit in this order and report the first failure: schema, features, agent grammar, idempotency, agent resolution, lease and constraints, limits, credential issue.",
  },
  {
    id: "R-7.1-2",
    section: "7.1",
    strength: "MUST",
    side: "runtime",
    behaviour:
      "job.accepted MUST precede every other message about the job, and the agent MUST NOT start before it has been queued; submits are processed concurrently, only their replies are ordered (R-5.4-5).",
  },
  {
    id: "R-7.1-3",
    section: "7.1",
    strength: "MUST",
    side: "runtime",
    behaviour: "The effective lease MUST be the requested one or a narrower one.",
  },
  {
    id: "R-7.1-4",
    section: "7.1",
    strength: "MUST",
    side: "runtime",
    behaviour:
      "max_runtime_sec that is not a positive integer MUST be rejected with INVALID_REQUEST.",
  },
  {
    id: "R-7.1-5",
    section: "7.1",
    strength: "MUST",
    side: "runtime",
    behaviour:
      "A submit beyond a resource limit MUST be rejected with INTERNAL_ERROR, retryable: true and details.reason, leaving session and other jobs alone.",
  },
  {
    id: "R-7.2-1",
    section: "7.2",
    strength: "MUST",
    side: "runtime",
    behaviour:
      "An idempotency key MUST be scoped to the principal, compared as the exact pair of principal and key, and be valid in every session of that principal.",
  },
  {
    id: "R-7.2-2",
    section: "7.2",
    strength: "MUST",
    side: "runtime",
    behaviour:
      "Whether two submits are identical MUST be decided on agent as written, input, lease_request, lease_constraints and max_runtime_sec, compared as JSON values without regard to key order or absent-versus-null, and on nothing else. Absent and null are equal for the five fields themselves, not inside input.",
  },
  {
    id: "R-7.2-3",
    section: "7.2",
    strength: "MUST",
    side: "runtime",
    behaviour:
      "An identical resubmission MUST be answered with the payload of the original acceptance, including job id, initial budget, accepted_at and trace id, with the current credentials while the job is live and none afterwards, and without running the agent again.",
  },
  {
    id: "R-7.2-4",
    section: "7.2",
    strength: "MUST",
    side: "runtime",
    behaviour:
      "A reused key with different parameters MUST be rejected with DUPLICATE_KEY and MUST NOT touch the existing job or anybody who watches it.",
  },
  {
    id: "R-7.2-5",
    section: "7.2",
    strength: "MUST",
    side: "runtime",
    behaviour:
      "Concurrent identical submits MUST yield one job, the later ones waiting for the outcome of the first.",
  },
  {
    id: "R-7.2-6",
    section: "7.2",
    strength: "MUST",
    side: "runtime",
    behaviour: "A rejected submit MUST NOT reserve its key.",
  },
  {
    id: "R-7.2-7",
    section: "7.2",
    strength: "MUST",
    side: "runtime",
    behaviour:
      "A record MUST live for at least 24 hours after acceptance and as long as its job is not finished. The terminal envelope of its job is kept as long as the record.",
  },
  {
    id: "R-7.2-8",
    section: "7.2",
    strength: "MUST",
    side: "runtime",
    ours: true,
    behaviour:
      "An identical resubmission from a session that does not own the job MUST attach that session as an observer with full history, and make it the owner if the owning session no longer exists. Ownership of its descendants moves with it.",
  },
  {
    id: "R-7.2-9",
    section: "7.2",
    strength: "MUST",
    side: "runtime",
    ours: true,
    behaviour:
      "An identical resubmission of a finished job MUST be followed by a copy of its terminal envelope with a new event_seq of the asking session.",
  },
] as const satisfies readonly RequirementRow[];
