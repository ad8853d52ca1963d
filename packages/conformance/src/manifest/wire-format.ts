import type { RequirementRow } from "./requirement-row.ts";

export const wireFormat = [
  {
    id: "R-5.1-1",
    section: "5.1",
    strength: "MUST",
    side: "peer",
    behaviour: 'A sender MUST set arcp to "1.1" in every envelope.',
  },
  {
    id: "R-5.1-2",
    section: "5.1",
    strength: "MUST",
    side: "runtime",
    behaviour:
      "A runtime MUST refuse a handshake whose arcp names another major version with INVALID_REQUEST, and MUST treat an absent value or any 1 / 1.x value as compatible.",
  },
  {
    id: "R-5.1-3",
    section: "5.1",
    strength: "MUST",
    side: "peer",
    behaviour:
      "A sender MUST give every envelope a fresh non-empty id, and a receiver MUST treat it as an opaque string. Replays of a record keep its id. A client of the draft profile prefixes its ids otherwise than the SDKs do (our own: req_).",
  },
  {
    id: "R-5.1-4",
    section: "5.1",
    strength: "MUST",
    side: "peer",
    behaviour:
      "After the handshake a sender MUST put the session's id in every envelope, and the job's id in every job.* message other than job.submit, including job.accepted and job.subscribed.",
  },
  {
    id: "R-5.1-5",
    section: "5.1",
    strength: "MUST",
    side: "runtime",
    behaviour:
      "A runtime MUST attribute an envelope without session_id to the connection's own session and MUST reject, without any other effect, one that names a different session.",
  },
  {
    id: "R-5.1-6",
    section: "5.1",
    strength: "MUST",
    side: "peer",
    behaviour:
      "event_seq MUST appear on stream envelopes that belong to a session's stream and MUST NOT appear on any other type sent by us.",
  },
  {
    id: "R-5.1-7",
    section: "5.1",
    strength: "MUST",
    side: "peer",
    behaviour:
      "A receiver MUST ignore unknown fields in the envelope, in payloads and in event bodies, except inside a lease, where an unknown capability is refused (R-9.2-1).",
  },
  {
    id: "R-5.2-1",
    section: "5.2",
    strength: "MUST",
    side: "peer",
    behaviour:
      "A sender MUST omit an absent optional field instead of writing null (except next_cursor, parent_job_id in listings and job.subscribed, and values owned by agents), and a receiver treats null in an optional field as absence.",
  },
  {
    id: "R-5.2-2",
    section: "5.2",
    strength: "MUST",
    side: "peer",
    behaviour:
      "Timestamps MUST be sent as RFC 3339 in UTC with millisecond precision and a Z suffix, and received in any RFC 3339 form unless a field says otherwise.",
  },
  {
    id: "R-5.2-3",
    section: "5.2",
    strength: "MUST",
    side: "peer",
    behaviour:
      "Sequence numbers, sizes and counters MUST be JSON integers within the exactly representable range of 2^53−1.",
  },
  {
    id: "R-5.2-4",
    section: "5.2",
    strength: "MUST",
    side: "peer",
    behaviour:
      "Amounts of money MUST be held as exact decimals, never as binary floating-point values, from the moment they are parsed to the moment they are written.",
  },
  {
    id: "R-5.2-5",
    section: "5.2",
    strength: "MUST",
    side: "peer",
    behaviour:
      "An amount that is only available as an IEEE double MUST be converted through its shortest round-trip decimal text, and an exact amount MUST be written as a JSON number whose text is that decimal.",
  },
  {
    id: "R-5.2-6",
    section: "5.2",
    strength: "MUST",
    side: "peer",
    behaviour:
      "Keys such as __proto__ and constructor in received JSON MUST be handled as ordinary data.",
  },
  {
    id: "R-5.2-7",
    section: "5.2",
    strength: "MUST",
    side: "peer",
    behaviour:
      "A receiver MUST reject a document nested deeper than its limit with INVALID_REQUEST instead of failing.",
  },
  {
    id: "R-5.3-1",
    section: "5.3",
    strength: "MUST",
    side: "runtime",
    behaviour:
      "A runtime MUST answer a post-handshake message that is not a JSON object, lacks id or type, or violates its schema with a non-fatal INVALID_REQUEST, and MUST keep the session open.",
  },
  {
    id: "R-5.3-2",
    section: "5.3",
    strength: "MUST",
    side: "runtime",
    behaviour:
      "A message other than session.hello or session.resume that arrives before the handshake MUST be refused with INVALID_REQUEST followed by closing the connection.",
  },
  {
    id: "R-5.3-3",
    section: "5.3",
    strength: "MUST",
    side: "runtime",
    behaviour:
      "An unknown type that starts with session. or job., or that has no recognised prefix, MUST be rejected by a runtime with INVALID_REQUEST.",
  },
  {
    id: "R-5.3-4",
    section: "5.3",
    strength: "MUST",
    side: "runtime",
    behaviour:
      "An unknown x-vendor.* type MUST be dropped silently when extensions.optional is true and rejected with INVALID_REQUEST otherwise.",
  },
  {
    id: "R-5.3-5",
    section: "5.3",
    strength: "MUST",
    side: "client",
    behaviour:
      "A client MUST ignore message types, event kinds and error codes it does not know, and report them to its caller as opaque data at most.",
  },
  {
    id: "R-5.3-6",
    section: "5.3",
    strength: "MUST",
    side: "runtime",
    behaviour:
      "The text of an error MUST be short, name the offending field where there is one, and be free of stack traces, source paths and secrets.",
  },
] as const satisfies readonly RequirementRow[];
