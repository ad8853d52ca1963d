import type { RequirementRow } from "./requirement-row.ts";

export const security = [
  {
    id: "R-14-1",
    section: "14",
    strength: "SHOULD",
    side: "runtime",
    behaviour:
      "A runtime SHOULD limit live sessions per principal and disconnect sessions that own no live job and exchange nothing but heartbeats for a long time.",
  },
  {
    id: "R-14-2",
    section: "14",
    strength: "MUST",
    side: "runtime",
    behaviour:
      "Limits on messages, buffers, history, jobs, subscriptions, patterns and listing pages MUST exist and be enforced per session or principal, so that one client cannot starve others.",
  },
  {
    id: "R-14-3",
    section: "14",
    strength: "MUST",
    side: "runtime",
    behaviour:
      "Buffers and histories MUST be deleted when their window or retention ends. Limits apart, they MUST NOT be deleted while an existing session still has to read or, with ack, to acknowledge them (without ack: while they were sent less than a resume window ago).",
  },
  {
    id: "R-14-4",
    section: "14",
    strength: "MUST",
    side: "runtime",
    behaviour:
      "An inbound message MUST NOT be written to any session's stream, history or log store before it has passed authentication, session check and schema validation.",
  },
  {
    id: "R-14-5",
    section: "14",
    strength: "SHOULD",
    side: "runtime",
    behaviour:
      "Authentication failures, resumes, cancels, subscriptions, expirations and revocation failures SHOULD be logged with principal and job.",
  },
] as const satisfies readonly RequirementRow[];
