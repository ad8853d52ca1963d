import type { RequirementRow } from "./requirement-row.ts";

export const scenario = [
  {
    id: "R-13-1",
    section: "13",
    strength: "MUST",
    side: "peer",
    behaviour:
      "A quiet session MUST show alternating ping and pong from either side, and loss of the client leads to HEARTBEAT_LOST, closure, a surviving job and a successful resume.",
  },
  {
    id: "R-13-2",
    section: "13",
    strength: "MUST",
    side: "runtime",
    behaviour:
      "A consumer that acknowledges 10 and then 40 of 400 events against a threshold of 300 MUST receive exactly one back_pressure status and no loss.",
  },
  {
    id: "R-13-3",
    section: "13",
    strength: "MUST",
    side: "runtime",
    behaviour:
      "A second session that lists, subscribes with history and follows to the result MUST see the same events as the owner under its own numbering.",
  },
  {
    id: "R-13-4",
    section: "13",
    strength: "MUST",
    side: "runtime",
    behaviour:
      "A job whose lease expires during work MUST yield progress, then failing operations, then job.error with LEASE_EXPIRED, and nothing afterwards.",
  },
  {
    id: "R-13-5",
    section: "13",
    strength: "MUST",
    side: "runtime",
    behaviour:
      "Costs of 0.85 and 1.30 against EUR:2.00 MUST yield remainders 1.15 and −0.15 and a refused third call while the job can still finish.",
  },
  {
    id: "R-13-6",
    section: "13",
    strength: "MUST",
    side: "runtime",
    behaviour:
      "A 20 MB result MUST arrive in ordered chunks, followed by a result whose size equals the assembled bytes.",
  },
  {
    id: "R-13-7",
    section: "13",
    strength: "MUST",
    side: "runtime",
    behaviour:
      "A job with a provisioner MUST show issue, delivery in the acceptance, use, job.result and exactly one revocation.",
  },
  {
    id: "R-13-8",
    section: "13",
    strength: "MUST",
    side: "runtime",
    behaviour:
      "Submits of a@1.1.0 and a@4.0.0 with 1.1.0 and 2.0.0 registered MUST be accepted and rejected respectively, without side effects on each other.",
  },
] as const satisfies readonly RequirementRow[];
