import type { RequirementRow } from "./requirement-row.ts";

export const acknowledgement = [
  {
    id: "R-6.5-1",
    section: "6.5",
    strength: "MUST",
    side: "runtime",
    behaviour:
      "An ack MUST be treated as advisory, so that replay after a resume depends on the presented last_event_seq alone.",
  },
  {
    id: "R-6.5-2",
    section: "6.5",
    strength: "MAY",
    side: "runtime",
    behaviour: "A runtime MAY free acknowledged envelopes before the resume window ends.",
  },
  {
    id: "R-6.5-3",
    section: "6.5",
    strength: "MUST",
    side: "runtime",
    behaviour:
      "A runtime MUST NOT free unacknowledged envelopes of a session that negotiated ack while the session exists, unless count or byte limits force it.",
  },
  {
    id: "R-6.5-4",
    section: "6.5",
    strength: "MUST",
    side: "runtime",
    behaviour:
      "A value lower than before, a value above the last issued number and any ack without the negotiated feature MUST have no effect.",
  },
  {
    id: "R-6.5-5",
    section: "6.5",
    strength: "MUST",
    side: "runtime",
    behaviour:
      "Acknowledgements of one session MUST NOT remove history that other sessions can still request by job.subscribe.",
  },
  {
    id: "R-6.5-6",
    section: "6.5",
    strength: "SHOULD",
    side: "client",
    behaviour:
      "A client SHOULD send at most one ack per few hundred milliseconds (default 250 ms, or earlier after 32 envelopes), and only after its handlers have run.",
  },
  {
    id: "R-6.5-7",
    section: "6.5",
    strength: "SHOULD",
    side: "runtime",
    behaviour:
      "When the number of unacknowledged envelopes exceeds the threshold, the runtime SHOULD emit one status event with phase back_pressure on the job whose event crossed it, before that envelope when it is the job's terminal one.",
  },
  {
    id: "R-6.5-8",
    section: "6.5",
    strength: "MUST",
    side: "runtime",
    behaviour:
      "The notice MUST be sent once per breach, only to the lagging session, and be re-armed after the lag has fallen to half the threshold.",
  },
  {
    id: "R-6.5-9",
    section: "6.5",
    strength: "MAY",
    side: "runtime",
    behaviour:
      "A runtime MAY additionally slow the agent down or finally close the connection with a fatal INTERNAL_ERROR, which leaves jobs running.",
  },
  {
    id: "R-6.5-10",
    section: "6.5",
    strength: "MUST",
    side: "runtime",
    behaviour: "A runtime MUST NOT drop or reorder events because a consumer is slow.",
  },
  {
    id: "R-6.5-11",
    section: "6.5",
    strength: "MUST",
    side: "runtime",
    behaviour:
      "A slow or stalled subscriber MUST NOT delay the owner, the agent or other subscribers.",
  },
] as const satisfies readonly RequirementRow[];
