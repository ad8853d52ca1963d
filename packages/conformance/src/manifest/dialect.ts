import type { RequirementRow } from "./requirement-row.ts";

export const dialect = [
  {
    id: "R-D-1",
    section: "D",
    strength: "MUST",
    side: "peer",
    behaviour:
      'Every form in the "accept" column MUST be accepted from every peer whatever its profile, and the form in the "send" column be sent.',
  },
  {
    id: "R-D-2",
    section: "D",
    strength: "MUST",
    side: "runtime",
    behaviour:
      "A runtime MUST choose a profile per connection by the evidence table and use it only to select among forms to send.",
  },
  {
    id: "R-D-3",
    section: "D",
    strength: "MUST",
    side: "runtime",
    behaviour:
      "A peer classed as typescript or csharp that sends session.close or session.resume MUST be treated as draft from then on.",
  },
  {
    id: "R-D-4",
    section: "D",
    strength: "MUST",
    side: "runtime",
    behaviour:
      "Requests MUST be rejected in the form of the rejection table, and a job.error used for that purpose never carries the id of a live job of the same session.",
  },
  {
    id: "R-D-5",
    section: "D",
    strength: "MUST",
    side: "runtime",
    behaviour:
      "A runtime MUST NOT send a non-fatal session.error to typescript peers, nor to csharp peers with a live job, because those clients fail all their jobs on it.",
  },
  {
    id: "R-D-6",
    section: "D",
    strength: "SHOULD",
    side: "peer",
    behaviour:
      "Our client and runtime SHOULD advertise the feature x-vendor.arcp-ts.request_id so that each recognises the other.",
  },
  {
    id: "R-D-7",
    section: "D",
    strength: "SHOULD",
    side: "client",
    behaviour:
      "A client SHOULD keep at most one submit in flight per session and give each a fresh trace_id when the runtime does not advertise that feature.",
  },
  {
    id: "R-D-8",
    section: "D",
    strength: "MUST",
    side: "client",
    behaviour:
      "A client MUST treat a job.error on an unknown job id during a pending submit as its rejection, and never let DUPLICATE_KEY end a running job.",
  },
  {
    id: "R-D-9",
    section: "D",
    strength: "MUST",
    side: "client",
    behaviour:
      "A client MUST NOT fail running jobs because of an uncorrelated session.error, but assign it to the only pending request, or to the oldest one its code fits, or to the session if the transport then closes.",
  },
  {
    id: "R-D-10",
    section: "D",
    strength: "SHOULD",
    side: "client",
    behaviour:
      "A client SHOULD tolerate reordered numbers from a go runtime for one second before it calls them a gap.",
  },
  {
    id: "R-D-11",
    section: "D",
    strength: "MUST",
    side: "client",
    behaviour:
      "A client MUST complete handshake, submit, list and subscribe when every optional field is missing and every optional field is present.",
  },
  {
    id: "R-D-12",
    section: "D",
    strength: "MUST",
    side: "runtime",
    behaviour:
      "A submit with parent_job_id (C#) MUST be handled as a delegation by that job when the session owns it and be rejected with INVALID_REQUEST otherwise.",
  },
] as const satisfies readonly RequirementRow[];
