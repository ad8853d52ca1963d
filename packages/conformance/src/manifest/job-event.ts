import type { RequirementRow } from "./requirement-row.ts";

export const jobEvent = [
  {
    id: "R-8.1-1",
    section: "8.1",
    strength: "MUST",
    side: "runtime",
    behaviour:
      "A job.event MUST carry session, job and event_seq in the envelope and kind, ts and an object body in the payload.",
  },
  {
    id: "R-8.1-2",
    section: "8.1",
    strength: "MUST",
    side: "runtime",
    behaviour:
      "A runtime MUST refuse, towards the agent, an event whose kind is neither reserved nor a valid vendor name or whose reserved body is invalid.",
  },
  {
    id: "R-8.1-3",
    section: "8.1",
    strength: "MUST",
    side: "client",
    behaviour:
      "A client MUST deliver events with unknown kinds or undecodable bodies as opaque data and keep counting their sequence numbers.",
  },
  {
    id: "R-8.2-1",
    section: "8.2",
    strength: "MUST",
    side: "runtime",
    behaviour:
      'A tool_result MUST refer to a call_id and contain either result or error, not both. Tool args and result and a delegate\'s input above 64 KiB appear on the stream as {"truncated":true,"byte_size":n}, while the agent and the tool get the whole.',
  },
  {
    id: "R-8.2-2",
    section: "8.2",
    strength: "MUST",
    side: "runtime",
    behaviour:
      "progress MUST have current ≥ 0, and since several SDKs refuse current above total the runtime omits total in that case.",
  },
  {
    id: "R-8.2-3",
    section: "8.2",
    strength: "MUST",
    side: "runtime",
    behaviour:
      "The phases back_pressure and credential_rotated and metrics named cost.budget.* MUST be emitted by the runtime only.",
  },
  {
    id: "R-8.2-4",
    section: "8.2",
    strength: "MUST",
    side: "runtime",
    behaviour:
      "Events of vendor kinds MUST be numbered, buffered, replayed and forwarded unchanged like any other event.",
  },
  {
    id: "R-8.3-1",
    section: "8.3",
    strength: "MUST",
    side: "runtime",
    behaviour:
      "event_seq MUST be counted per session, start at 1 and grow by exactly 1 per stream envelope across all jobs, subscriptions and reconnects of that session.",
  },
  {
    id: "R-8.3-2",
    section: "8.3",
    strength: "MUST",
    side: "runtime",
    behaviour:
      "A number MUST be assigned, stored in the resume buffer and queued for sending in one indivisible step, so that no gap or inversion is ever visible and nothing is sent that cannot be replayed.",
  },
  {
    id: "R-8.3-3",
    section: "8.3",
    strength: "MUST",
    side: "client",
    behaviour: "A client MUST ignore a stream envelope whose number it has already processed.",
  },
  {
    id: "R-8.3-4",
    section: "8.3",
    strength: "SHOULD",
    side: "client",
    behaviour:
      "A client that sees a gap SHOULD consider the connection broken and resume from the last contiguous number.",
  },
  {
    id: "R-8.4-1",
    section: "8.4",
    strength: "MUST",
    side: "runtime",
    behaviour:
      "Chunks MUST be emitted in ascending chunk_seq from 0 and end with exactly one chunk with more: false, which may be empty.",
  },
  {
    id: "R-8.4-2",
    section: "8.4",
    strength: "MUST",
    side: "runtime",
    behaviour:
      "A utf8 chunk MUST be well-formed Unicode on its own, so a split never separates a surrogate pair.",
  },
  {
    id: "R-8.4-3",
    section: "8.4",
    strength: "MUST",
    side: "runtime",
    behaviour:
      "After any chunk, the successful end MUST be a job.result with that result_id, with result_size equal to the number of decoded bytes, and never with an inline result, so that a value the agent returns besides is discarded with a warning.",
  },
  {
    id: "R-8.4-4",
    section: "8.4",
    strength: "MUST",
    side: "runtime",
    behaviour: "Exceeding the total limit MUST end the job with INTERNAL_ERROR.",
  },
  {
    id: "R-8.4-5",
    section: "8.4",
    strength: "MUST",
    side: "runtime",
    behaviour:
      "A streaming call in a job whose session lacks the feature MUST fail inside the agent unless the runtime assembles the result and returns it inline.",
  },
  {
    id: "R-8.4-6",
    section: "8.4",
    strength: "MUST",
    side: "client",
    behaviour:
      "Chunks of a job that ends with job.error MUST be presented by a client as incomplete, never as a result.",
  },
  {
    id: "R-8.4-7",
    section: "8.4",
    strength: "MUST",
    side: "client",
    behaviour:
      "A client that assembles chunks MUST verify contiguity, the final flag and result_size, accept mixed encodings, and bound its memory.",
  },
] as const satisfies readonly RequirementRow[];
