import type { RequirementRow } from "./requirement-row.ts";

export const resume = [
  {
    id: "R-6.3-1",
    section: "6.3",
    strength: "MUST",
    side: "runtime",
    behaviour:
      "A runtime MUST accept a resume as a session.resume message, as resume inside session.hello, and as the flat pair resume_token and last_event_seq in session.hello.",
  },
  {
    id: "R-6.3-2",
    section: "6.3",
    strength: "MUST",
    side: "runtime",
    behaviour:
      "A session.resume that is the first message of a connection MUST be authenticated like a hello through its own auth field, unless the operator has enabled resumption by token alone.",
  },
  {
    id: "R-6.3-3",
    section: "6.3",
    strength: "MUST",
    side: "runtime",
    behaviour:
      "A session.resume that follows a hello on a session without jobs or subscriptions MUST move the connection to the resumed session and discard the fresh one.",
  },
  {
    id: "R-6.3-4",
    section: "6.3",
    strength: "MUST",
    side: "runtime",
    behaviour:
      "A resume MUST succeed only when the token is valid (R-6.3-7), the window is open and the authenticated principal equals the session's principal.",
  },
  {
    id: "R-6.3-5",
    section: "6.3",
    strength: "MUST",
    side: "runtime",
    behaviour:
      "All three failures MUST look the same from outside, namely RESUME_WINDOW_EXPIRED followed by closing the connection, and MUST leave the real owner's session untouched.",
  },
  {
    id: "R-6.3-6",
    section: "6.3",
    strength: "MUST",
    side: "runtime",
    behaviour:
      "A successful resume MUST be answered by a session.welcome with the old session_id and a new token, before anything else.",
  },
  {
    id: "R-6.3-7",
    section: "6.3",
    strength: "MUST",
    side: "runtime",
    ours: true,
    behaviour:
      "Valid MUST be the newest confirmed token of a session and those issued after it (at most 8): a token is confirmed when it is presented, or when the connection that got it sends a message after its opening request, and confirming one voids all older ones, so that a lost welcome does not strand a session.",
  },
  {
    id: "R-6.3-8",
    section: "6.3",
    strength: "MUST",
    side: "runtime",
    behaviour:
      "After the welcome the runtime MUST repeat, to draft peers, the job.accepted (same request_id) of every owned or child job of which last_event_seq covers no envelope yet, then replay, in ascending order and with unchanged content (but R-9.8-11), every stream envelope with event_seq greater than last_event_seq, and only then continue with live ones.",
  },
  {
    id: "R-6.3-9",
    section: "6.3",
    strength: "MUST",
    side: "runtime",
    behaviour:
      "A resume whose last_event_seq equals the last issued number MUST succeed with an empty replay, unless R-6.3-10 applies.",
  },
  {
    id: "R-6.3-10",
    section: "6.3",
    strength: "MUST",
    side: "runtime",
    behaviour:
      "A resume MUST fail with RESUME_WINDOW_EXPIRED when the runtime no longer holds every record that follows last_event_seq for this session, numbered or still waiting for a number, or when last_event_seq was never issued, and the runtime MUST NOT replay a truncated stream.",
  },
  {
    id: "R-6.3-11",
    section: "6.3",
    strength: "MUST",
    side: "runtime",
    behaviour:
      "The resume window MUST be counted from the loss of the transport and not from the welcome. After a crash of the runtime it counts from the restart.",
  },
  {
    id: "R-6.3-12",
    section: "6.3",
    strength: "MUST",
    side: "runtime",
    behaviour:
      "While a session is disconnected its jobs MUST keep running and their stream envelopes MUST be kept for it, without any error reaching the agent; whether they get their numbers at emission or at delivery cannot be seen from outside.",
  },
  {
    id: "R-6.3-13",
    section: "6.3",
    strength: "MUST",
    side: "runtime",
    behaviour:
      "After a resume, live events, terminal envelopes and cancel authority of the session's jobs MUST reach the new connection.",
  },
  {
    id: "R-6.3-14",
    section: "6.3",
    strength: "MUST",
    side: "runtime",
    behaviour: "Subscriptions belong to the session and MUST survive a resume.",
  },
  {
    id: "R-6.3-15",
    section: "6.3",
    strength: "MUST",
    side: "peer",
    behaviour:
      "When a resume arrives while the previous connection still looks alive, the runtime MUST detach that connection first, process nothing more from it, send nothing more on it and close it with code 1008. Our client does not reconnect by itself after 1008.",
  },
  {
    id: "R-6.3-16",
    section: "6.3",
    strength: "MUST",
    side: "runtime",
    behaviour:
      "A resume MUST keep the features of the session's first welcome, whatever the resuming request lists, and the new welcome repeats them, since other features would change the numbering of what was already sent.",
  },
  {
    id: "R-6.3-17",
    section: "6.3",
    strength: "MUST",
    side: "runtime",
    behaviour:
      "When a log exceeds its limits the runtime MUST evict its oldest records first, keep session and jobs alive, and never skip what a viewer had not yet received: it ends the connection of an owner with RESUME_WINDOW_EXPIRED, and a lagging subscription alone by a session.error RESUME_WINDOW_EXPIRED with the job_id and the request_id of its job.subscribe, after which the session lives on (to profiles that cannot take it, the connection ends).",
  },
  {
    id: "R-6.3-18",
    section: "6.3",
    strength: "MUST",
    side: "runtime",
    behaviour:
      "After the window a session MUST be forgotten together with its tokens and its place in every job, while its jobs continue unless the operator chose to cancel orphans (OP-3), and the table that translates its numbers stays with each job.",
  },
  {
    id: "R-6.3-19",
    section: "6.3",
    strength: "SHOULD",
    side: "client",
    behaviour:
      "A client SHOULD answer RESUME_WINDOW_EXPIRED by opening a fresh session and re-attaching to its jobs by job.subscribe with history.",
  },
  {
    id: "R-6.3-20",
    section: "6.3",
    strength: "MAY",
    side: "runtime",
    behaviour:
      "A runtime MAY keep sessions in durable storage, in which case a resume has to work across a restart exactly as across a disconnect.",
  },
] as const satisfies readonly RequirementRow[];
