import type { RequirementRow } from "./requirement-row.ts";

export const listing = [
  {
    id: "R-6.6-1",
    section: "6.6",
    strength: "MUST",
    side: "runtime",
    behaviour:
      "A listing MUST contain only jobs the session's principal may observe, which by default are the jobs submitted by that same principal in any session.",
  },
  {
    id: "R-6.6-2",
    section: "6.6",
    strength: "MUST",
    side: "runtime",
    behaviour:
      "Neither entries, cursors, counts nor errors MUST allow a principal to learn of jobs it may not observe.",
  },
  {
    id: "R-6.6-3",
    section: "6.6",
    strength: "MUST",
    side: "runtime",
    behaviour: "Credentials MUST NOT appear in listings, whoever asks.",
  },
  {
    id: "R-6.6-4",
    section: "6.6",
    strength: "MUST",
    side: "runtime",
    behaviour: "Entries MUST be ordered by created_at and then job_id, ascending.",
  },
  {
    id: "R-6.6-5",
    section: "6.6",
    strength: "MUST",
    side: "runtime",
    behaviour:
      "Paging MUST neither repeat nor skip a job that exists during the whole enumeration, even if other jobs end or start meanwhile.",
  },
  {
    id: "R-6.6-6",
    section: "6.6",
    strength: "MUST",
    side: "runtime",
    behaviour:
      "An undecodable cursor, an unknown status name, an unparsable timestamp, a malformed agent and a limit that is not a positive integer MUST be rejected with INVALID_REQUEST.",
  },
  {
    id: "R-6.6-7",
    section: "6.6",
    strength: "MUST",
    side: "runtime",
    behaviour:
      "last_event_seq MUST be the highest number given to an envelope of the job in the session that submitted it, or 0; records not numbered yet do not count (last_job_seq tells the head).",
  },
] as const satisfies readonly RequirementRow[];
