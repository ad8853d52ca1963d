import type { RequirementRow } from "./requirement-row.ts";

export const transport = [
  {
    id: "R-4-1",
    section: "4",
    strength: "MUST",
    side: "peer",
    behaviour:
      "A transport MUST deliver envelopes of one connection in the order in which they were sent, in both directions.",
  },
  {
    id: "R-4-2",
    section: "4",
    strength: "MUST",
    side: "runtime",
    behaviour:
      "A runtime MUST start handling the inbound envelopes of a session in arrival order, and MUST keep answering pings while a slow request (token check, credential issue, agent start) is still in progress.",
  },
  {
    id: "R-4-3",
    section: "4",
    strength: "MUST",
    side: "peer",
    behaviour:
      "Every transport binding, also an optional one (HTTP/2, QUIC, message queue, in-process), MUST carry exactly the same envelopes, so that a session behaves identically on all of them.",
  },
  {
    id: "R-4-4",
    section: "4",
    strength: "MUST",
    side: "runtime",
    behaviour:
      "The loss of a transport, however it happens, MUST be treated as a disconnect that starts the resume window (R-6.3-11) and never as an instruction to stop jobs, with the one exception of R-4.2-5.",
  },
  {
    id: "R-4-5",
    section: "4",
    strength: "MUST",
    side: "peer",
    behaviour:
      "An in-process transport MUST NOT let the two peers share mutable objects, so values pass as if they had been serialised.",
  },
  {
    id: "R-4.1-1",
    section: "4.1",
    strength: "MUST",
    side: "runtime",
    behaviour:
      "A runtime reachable over a network MUST offer WebSocket (RFC 6455), where each text message contains exactly one envelope encoded as a single UTF-8 JSON object.",
  },
  {
    id: "R-4.1-2",
    section: "4.1",
    strength: "SHOULD",
    side: "runtime",
    behaviour:
      "The endpoint SHOULD be served at /arcp, and an upgrade request for any other path on the same listener SHOULD receive an HTTP error instead of a socket that hangs.",
  },
  {
    id: "R-4.1-3",
    section: "4.1",
    strength: "MUST",
    side: "peer",
    behaviour:
      "A receiver MUST NOT interpret a binary message as an envelope and closes the connection with code 1003 when one arrives.",
  },
  {
    id: "R-4.1-4",
    section: "4.1",
    strength: "MUST",
    side: "runtime",
    behaviour:
      "A runtime MUST NOT require a WebSocket sub-protocol, because no published client offers one.",
  },
  {
    id: "R-4.1-5",
    section: "4.1",
    strength: "MUST",
    side: "peer",
    behaviour:
      "Bearer tokens and provisioned credentials MUST NOT cross an unencrypted connection unless the peer address is loopback or the operator has explicitly allowed it.",
  },
  {
    id: "R-4.1-6",
    section: "4.1",
    strength: "MUST",
    side: "peer",
    behaviour:
      "Both peers MUST bound the size of an inbound message and close with code 1009 when it is exceeded.",
  },
  {
    id: "R-4.1-7",
    section: "4.1",
    strength: "MUST",
    side: "peer",
    behaviour:
      "A sender MUST keep every message at or below 1 MiB (1 048 576 bytes), since the Go SDK closes the connection above that size: a runtime refuses a larger event towards the agent, and ends a job whose inline result would not fit with INTERNAL_ERROR and a message that names result streaming.",
  },
  {
    id: "R-4.1-8",
    section: "4.1",
    strength: "SHOULD",
    side: "runtime",
    behaviour:
      "A runtime SHOULD apply a much smaller size limit (64 KiB) and a deadline (10 s) to a connection that has not completed its handshake.",
  },
  {
    id: "R-4.1-9",
    section: "4.1",
    strength: "MUST",
    side: "runtime",
    behaviour:
      "A runtime MUST check the Host header, and the Origin header when present, against an allow-list that contains only loopback names by default when it listens on loopback, refusing the upgrade with HTTP 403.",
  },
  {
    id: "R-4.1-10",
    section: "4.1",
    strength: "MUST",
    side: "peer",
    behaviour:
      "A sender MUST bound the bytes queued on a slow connection and react by pausing or closing, never by growing without limit or by dropping single envelopes.",
  },
  {
    id: "R-4.1-11",
    section: "4.1",
    strength: "MUST",
    side: "peer",
    behaviour:
      "An endpoint that closes a WebSocket MUST first send the session.error or session.closed envelope that explains the closure, and takes the close code from the table below, which is a hint and not the protocol's error channel. Exceptions: a replaced socket (R-6.3-15), an answer to session.bye, and the codes 1003, 1007 and 1009; a client in a browser, which may only use 1000 and 3000–4999, closes with 4000 + (code − 1000).",
  },
  {
    id: "R-4.2-1",
    section: "4.2",
    strength: "MUST",
    side: "peer",
    behaviour:
      "Over stdio each envelope MUST be one line of UTF-8 JSON terminated by a single line feed, without byte-order mark and without raw line breaks inside.",
  },
  {
    id: "R-4.2-2",
    section: "4.2",
    strength: "MUST",
    side: "runtime",
    behaviour:
      "A runtime that speaks ARCP on its standard streams MUST write nothing but envelopes to stdout and MUST send every log line, banner or warning to stderr.",
  },
  {
    id: "R-4.2-3",
    section: "4.2",
    strength: "MUST",
    side: "peer",
    behaviour:
      "A reader MUST accept CR LF line ends and skip blank lines, while a writer never emits blank ones, on which the Go SDK ends the session.",
  },
  {
    id: "R-4.2-4",
    section: "4.2",
    strength: "MUST",
    side: "peer",
    behaviour:
      "A reader MUST bound the memory used for one line by discarding the remainder of an over-long line and rejecting it with INVALID_REQUEST.",
  },
  {
    id: "R-4.2-5",
    section: "4.2",
    strength: "SHOULD",
    side: "runtime",
    ours: true,
    behaviour:
      "A child runtime without a durable store whose parent has closed the pipe SHOULD cancel its jobs, revoke their credentials and exit, since nobody can ever resume that session; one with a durable store shuts down gracefully.",
  },
] as const satisfies readonly RequirementRow[];
