import type { RequirementRow } from "./requirement-row.ts";

export const correlation = [
  {
    id: "R-5.4-1",
    section: "5.4",
    strength: "MUST",
    side: "runtime",
    ours: true,
    behaviour:
      "Every reply or rejection MUST carry in payload.request_id the id of the request envelope it answers; this covers session.jobs, job.accepted, job.cancelled, job.subscribed, session.closed and request-level session.error.",
  },
  {
    id: "R-5.4-2",
    section: "5.4",
    strength: "MUST",
    side: "runtime",
    behaviour:
      "A request that is rejected MUST be answered by exactly one session.error carrying the error payload of §12 plus request_id (and job_id when the request named a job), in the variant that R-D rules prescribe for the peer.",
  },
  {
    id: "R-5.4-3",
    section: "5.4",
    strength: "MUST",
    side: "peer",
    behaviour:
      "A session.error with a request_id of anything but the opening request MUST NOT affect the session or any other request or job.",
  },
  {
    id: "R-5.4-4",
    section: "5.4",
    strength: "MUST",
    side: "runtime",
    behaviour:
      'A runtime MUST NOT leave a request unanswered, apart from session.ack and job.unsubscribe, which have no reply, and the cells marked "nothing" in the rejection table of DIALECTS.',
  },
  {
    id: "R-5.4-5",
    section: "5.4",
    strength: "MUST",
    side: "runtime",
    behaviour:
      "A runtime MUST answer the job.submit requests of one session in arrival order, acceptances and rejections alike, since published clients match them first-in first-out.",
  },
  {
    id: "R-5.4-6",
    section: "5.4",
    strength: "MUST",
    side: "client",
    behaviour:
      "A client MUST match replies by request_id first and MUST fall back, in this order, to an envelope id equal to a pending request, a payload job_id with one pending request on it, the trace_id of a pending submit, and the oldest pending submit.",
  },
  {
    id: "R-5.4-7",
    section: "5.4",
    strength: "SHOULD",
    side: "client",
    behaviour:
      "A client SHOULD bound every request with a timeout of its own, because some runtimes never answer certain failures.",
  },
  {
    id: "R-5.4-8",
    section: "5.4",
    strength: "MUST",
    side: "peer",
    ours: true,
    behaviour:
      "When a job.submit arrives with an envelope id already seen in the session, the runtime MUST repeat the earlier reply instead of creating another job; it remembers, as durably as the session, the newest 1 000 submits, and our client repeats unanswered submits with their ids after a resume.",
  },
] as const satisfies readonly RequirementRow[];
