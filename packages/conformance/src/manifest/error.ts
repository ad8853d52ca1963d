import type { RequirementRow } from "./requirement-row.ts";

export const error = [
  {
    id: "R-12-1",
    section: "12",
    strength: "MUST",
    side: "runtime",
    behaviour: "Only the fifteen codes MUST be sent, refined through details where needed.",
  },
  {
    id: "R-12-2",
    section: "12",
    strength: "MUST",
    side: "runtime",
    behaviour:
      "retryable MUST always be present, with the table's value unless the situation calls for another, and never deviating where it says fixed.",
  },
  {
    id: "R-12-3",
    section: "12",
    strength: "MUST",
    side: "client",
    behaviour:
      "A received error with an unknown code MUST keep that code and count as retryable only if it says so, and a missing retryable or message is filled from the table.",
  },
  {
    id: "R-12-4",
    section: "12",
    strength: "MUST",
    side: "runtime",
    behaviour:
      "Failure of a request MUST be reported by session.error, failure of a job by job.error, and refusal of an operation by tool_result.",
  },
  {
    id: "R-12-5",
    section: "12",
    strength: "MUST",
    side: "runtime",
    behaviour:
      "A fatal session.error MUST be the last envelope before its sender closes the connection.",
  },
] as const satisfies readonly RequirementRow[];
