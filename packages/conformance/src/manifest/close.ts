import type { RequirementRow } from "./requirement-row.ts";

export const close = [
  {
    id: "R-6.7-1",
    section: "6.7",
    strength: "MUST",
    side: "runtime",
    behaviour:
      "A runtime MUST answer session.close with session.closed and then close the transport normally.",
  },
  {
    id: "R-6.7-2",
    section: "6.7",
    strength: "MUST",
    side: "runtime",
    behaviour: "A graceful close MUST NOT cancel, end or alter jobs.",
  },
  {
    id: "R-6.7-3",
    section: "6.7",
    strength: "MUST",
    side: "runtime",
    behaviour:
      "A closed session MUST remain resumable with its last token for the resume window, which starts at the close.",
  },
  {
    id: "R-6.7-4",
    section: "6.7",
    strength: "MUST",
    side: "runtime",
    behaviour:
      "session.bye MUST be accepted as an alias of session.close that gets no reply before the transport is closed.",
  },
  {
    id: "R-6.7-5",
    section: "6.7",
    strength: "MUST",
    side: "runtime",
    behaviour: "Messages that arrive after a close request MUST be ignored.",
  },
  {
    id: "R-6.7-6",
    section: "6.7",
    strength: "SHOULD",
    side: "runtime",
    behaviour:
      "A runtime that shuts down SHOULD send session.closed with a reason (or session.bye to peers that speak it) and close with code 1001.",
  },
  {
    id: "R-6.7-7",
    section: "6.7",
    strength: "MUST",
    side: "client",
    behaviour:
      "A client MUST close the transport at the latest one second after session.close, whether or not session.closed has arrived.",
  },
] as const satisfies readonly RequirementRow[];
