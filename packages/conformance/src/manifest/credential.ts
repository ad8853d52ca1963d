import type { RequirementRow } from "./requirement-row.ts";

export const credential = [
  {
    id: "R-9.8-1",
    section: "9.8",
    strength: "MUST",
    side: "runtime",
    behaviour:
      "A runtime MUST NOT offer the feature without a provisioner and a durable store of outstanding credentials, nor on a connection that is neither encrypted nor loopback.",
  },
  {
    id: "R-9.8-2",
    section: "9.8",
    strength: "MUST",
    side: "runtime",
    behaviour:
      "Credentials MUST be issued before job.accepted, be bound to one job, and never share a value with another job.",
  },
  {
    id: "R-9.8-3",
    section: "9.8",
    strength: "SHOULD",
    side: "runtime",
    behaviour:
      "Issued credentials SHOULD carry the job's remaining budget, model patterns and expiry as upstream limits.",
  },
  {
    id: "R-9.8-4",
    section: "9.8",
    strength: "MUST",
    side: "runtime",
    behaviour:
      "The intention to issue MUST be stored durably before the upstream is asked, and the handle needed for revocation before the value is revealed to anyone.",
  },
  {
    id: "R-9.8-5",
    section: "9.8",
    strength: "MUST",
    side: "runtime",
    behaviour:
      "A failure to issue MUST reject the submit with INTERNAL_ERROR (or BUDGET_EXHAUSTED when the upstream says so) and revoke what was already issued. An issue that takes longer than its limit counts as failed.",
  },
  {
    id: "R-9.8-6",
    section: "9.8",
    strength: "MUST",
    side: "runtime",
    behaviour:
      "Every credential MUST be revoked when its job ends, however it ends, and also when the job ends while issuing is still in progress.",
  },
  {
    id: "R-9.8-7",
    section: "9.8",
    strength: "MUST",
    side: "runtime",
    behaviour:
      "Revocation MUST be started before the terminal envelope is sent, without delaying that envelope by more than a bounded time (default 2 s).",
  },
  {
    id: "R-9.8-8",
    section: "9.8",
    strength: "MUST",
    side: "runtime",
    behaviour:
      "A failed revocation MUST be retried with back-off, resumed after a restart from the durable store, and reported to the operator when it cannot succeed.",
  },
  {
    id: "R-9.8-9",
    section: "9.8",
    strength: "MUST",
    side: "runtime",
    behaviour:
      "A rotation MUST be announced by status with phase credential_rotated and the fields id and value, sent only to the owning session, after which the prior value is revoked promptly.",
  },
  {
    id: "R-9.8-10",
    section: "9.8",
    strength: "MUST",
    side: "runtime",
    behaviour:
      "A value MUST NOT be written to event logs, histories, logs, traces, errors or listings in clear text.",
  },
  {
    id: "R-9.8-11",
    section: "9.8",
    strength: "MUST",
    side: "runtime",
    behaviour:
      "When a rotation event has to be replayed by a resume, its number MUST be preserved and its value be the current one, or be omitted once the job has ended.",
  },
  {
    id: "R-9.8-12",
    section: "9.8",
    strength: "MUST",
    side: "runtime",
    behaviour:
      "Credentials in job.subscribed MUST be present only for the submitter's principal, only while the job is live, and only with the feature negotiated.",
  },
  {
    id: "R-9.8-13",
    section: "9.8",
    strength: "MUST",
    side: "client",
    behaviour:
      "A client MUST ignore credentials with unknown schemes, keep values out of its logs and printable forms, and forget them when the job ends.",
  },
  {
    id: "R-9.8-14",
    section: "9.8",
    strength: "MUST",
    side: "runtime",
    behaviour:
      "A delegated job's credentials MUST be constrained by its own lease and be revoked no later than at the end of its parent.",
  },
] as const satisfies readonly RequirementRow[];
