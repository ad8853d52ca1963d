import type { RequirementRow } from "./requirement-row.ts";

export const heartbeat = [
  {
    id: "R-6.4-1",
    section: "6.4",
    strength: "MUST",
    side: "peer",
    behaviour:
      "A peer MUST send session.ping when it has sent nothing, or has received nothing, for one full interval, so that clients that never ping are still heard from.",
  },
  {
    id: "R-6.4-2",
    section: "6.4",
    strength: "MUST",
    side: "peer",
    behaviour:
      "A receiver MUST answer every ping at once with a pong that echoes the nonce, even when heartbeats were not negotiated.",
  },
  {
    id: "R-6.4-3",
    section: "6.4",
    strength: "MUST",
    side: "peer",
    behaviour:
      "A peer MUST NOT declare the other dead before two full intervals have passed without any inbound ARCP message.",
  },
  {
    id: "R-6.4-4",
    section: "6.4",
    strength: "SHOULD",
    side: "peer",
    behaviour:
      "After two silent intervals a runtime SHOULD send session.error with HEARTBEAT_LOST and close the transport, and a client SHOULD close it, surface HEARTBEAT_LOST and try to resume.",
  },
  {
    id: "R-6.4-5",
    section: "6.4",
    strength: "MUST",
    side: "runtime",
    behaviour:
      "Heartbeat loss MUST NOT end, cancel or otherwise change any job, and the session MUST stay resumable for the whole window.",
  },
  {
    id: "R-6.4-6",
    section: "6.4",
    strength: "MUST",
    side: "peer",
    behaviour:
      "Pings and pongs MUST NOT carry or consume event_seq and MUST NOT be buffered for replay.",
  },
  {
    id: "R-6.4-7",
    section: "6.4",
    strength: "MUST",
    side: "peer",
    behaviour:
      "Any inbound ARCP message MUST count as a sign of life, whereas WebSocket-level ping and pong frames MUST NOT.",
  },
  {
    id: "R-6.4-8",
    section: "6.4",
    strength: "MUST",
    side: "peer",
    behaviour:
      "Liveness timers MUST use a monotonic clock and, when they fire late, drain pending input before they report a loss.",
  },
] as const satisfies readonly RequirementRow[];
