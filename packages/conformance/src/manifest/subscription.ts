import type { RequirementRow } from "./requirement-row.ts";

export const subscription = [
  {
    id: "R-7.6-1",
    section: "7.6",
    strength: "MUST",
    side: "runtime",
    behaviour:
      "The submitter's principal MUST always be allowed to observe a job, and any other principal only if the operator configured a policy that says so.",
  },
  {
    id: "R-7.6-2",
    section: "7.6",
    strength: "MUST",
    side: "runtime",
    behaviour:
      "A subscription to a job that the principal may not observe MUST be rejected exactly like one to an unknown job, with JOB_NOT_FOUND and nothing that tells the two apart (OP-4).",
  },
  {
    id: "R-7.6-3",
    section: "7.6",
    strength: "MUST",
    side: "runtime",
    behaviour:
      "job.subscribed MUST precede everything the subscription delivers, the switch from history to live delivers every event exactly once and in order, and the terminal envelope is delivered too and ends the subscription.",
  },
  {
    id: "R-7.6-4",
    section: "7.6",
    strength: "MUST",
    side: "runtime",
    behaviour:
      "Everything a subscriber receives about the job MUST be numbered in the subscriber's own event_seq space, with otherwise unchanged payload, timestamp and trace id; the envelope id may be the same in every session.",
  },
  {
    id: "R-7.6-5",
    section: "7.6",
    strength: "MUST",
    side: "runtime",
    behaviour:
      "With history: true the runtime MUST replay the retained events selected by from_event_seq, set replayed exactly when there is at least one, and report older history that is gone by truncated: true instead of failing.",
  },
  {
    id: "R-7.6-6",
    section: "7.6",
    strength: "MUST",
    side: "runtime",
    ours: true,
    behaviour:
      "With history: false the subscriber MUST receive nothing that was emitted before the acknowledgement, except for the terminal envelope of an already finished job.",
  },
  {
    id: "R-7.6-7",
    section: "7.6",
    strength: "MUST",
    side: "runtime",
    behaviour:
      "Subscribing to a job the session already follows MUST be acknowledged, with a replay if history is requested, and MUST NOT duplicate live events. Live events of that job wait until the replay is done.",
  },
  {
    id: "R-7.6-8",
    section: "7.6",
    strength: "MUST",
    side: "runtime",
    behaviour:
      "After job.unsubscribe the runtime MUST stop forwarding, send no reply, and ignore the request when there is no subscription or the session owns the job.",
  },
  {
    id: "R-7.6-9",
    section: "7.6",
    strength: "MUST",
    side: "runtime",
    behaviour:
      "credentials in job.subscribed MUST be withheld from sessions of any principal but the submitter, and credential_rotated events from every session but the owner.",
  },
  {
    id: "R-7.6-10",
    section: "7.6",
    strength: "MUST",
    side: "runtime",
    behaviour: "A subscription MUST keep working when the owner's connection or session is gone.",
  },
  {
    id: "R-7.6-11",
    section: "7.6",
    strength: "MUST",
    side: "runtime",
    ours: true,
    behaviour:
      "Every stream envelope that stems from a job's log MUST also carry job_seq, the dense number from 1 of that message within its job and equal for every viewer (a session's own back_pressure notice has none), job.subscribe MUST accept from_job_seq in place of from_event_seq (with history: true: everything after it), and session.jobs entries and job.subscribed MUST report last_job_seq; a record withheld from a viewer leaves a hole in the job_seq that it sees, never in its event_seq.",
  },
  {
    id: "R-7.7-1",
    section: "7.7",
    strength: "MUST",
    side: "runtime",
    behaviour:
      "A resume MUST continue the same session with its numbering, mandatory replay and cancel authority, while a subscription MUST run in another session's numbering, with optional replay and without cancel authority.",
  },
] as const satisfies readonly RequirementRow[];
