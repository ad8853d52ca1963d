import type { RequirementRow } from "./requirement-row.ts";

export const agentVersion = [
  {
    id: "R-7.5-1",
    section: "7.5",
    strength: "MUST",
    side: "runtime",
    behaviour:
      "An agent reference that does not match the grammar completely MUST be rejected with INVALID_REQUEST.",
  },
  {
    id: "R-7.5-2",
    section: "7.5",
    strength: "MUST",
    side: "runtime",
    behaviour:
      "An unknown name, or one the principal may not use, MUST be rejected with AGENT_NOT_AVAILABLE.",
  },
  {
    id: "R-7.5-3",
    section: "7.5",
    strength: "MUST",
    side: "runtime",
    behaviour:
      "A known name with an unregistered version, compared as an exact case-sensitive string, MUST be rejected with AGENT_VERSION_NOT_AVAILABLE.",
  },
  {
    id: "R-7.5-4",
    section: "7.5",
    strength: "MUST",
    side: "runtime",
    behaviour:
      "A bare name MUST resolve to the advertised default and, without one, to the unversioned handler or to the version registered first.",
  },
  {
    id: "R-7.5-5",
    section: "7.5",
    strength: "MUST",
    side: "runtime",
    behaviour:
      "The resolved reference MUST appear in job.accepted, listings and job.subscribed as name@version, or as the bare name of an unversioned agent, and stay fixed until the job ends.",
  },
] as const satisfies readonly RequirementRow[];
