import type { RequirementRow } from "./requirement-row.ts";

export const handshake = [
  {
    id: "R-6.1-1",
    section: "6.1",
    strength: "MUST",
    side: "client",
    behaviour:
      'The opening request MUST present payload.auth as {"scheme":"bearer","token":"…"} with a non-empty token.',
  },
  {
    id: "R-6.1-2",
    section: "6.1",
    strength: "MUST",
    side: "runtime",
    behaviour:
      "A missing, empty, unknown, expired or revoked token and an unsupported scheme MUST all lead to session.error with UNAUTHENTICATED, after which the runtime closes the connection.",
  },
  {
    id: "R-6.1-3",
    section: "6.1",
    strength: "MUST",
    side: "runtime",
    behaviour:
      "The principal MUST come from token verification alone and never from names the client claims about itself.",
  },
  {
    id: "R-6.1-4",
    section: "6.1",
    strength: "MUST",
    side: "runtime",
    behaviour:
      "A runtime without a token verifier MUST refuse to serve unless anonymous access was switched on explicitly.",
  },
  {
    id: "R-6.1-5",
    section: "6.1",
    strength: "MUST",
    side: "runtime",
    behaviour:
      "Bearer and resume tokens MUST be compared in constant time, stored only as hashes, and kept out of logs, traces, errors and event stores.",
  },
  {
    id: "R-6.1-6",
    section: "6.1",
    strength: "SHOULD",
    side: "runtime",
    behaviour: "A runtime SHOULD slow down or ban sources that fail authentication repeatedly.",
  },
  {
    id: "R-6.2-1",
    section: "6.2",
    strength: "MUST",
    side: "runtime",
    behaviour:
      "The first envelope a runtime sends in reply to an opening request MUST be session.welcome or session.error.",
  },
  {
    id: "R-6.2-2",
    section: "6.2",
    strength: "MUST",
    side: "peer",
    behaviour:
      "The effective feature set MUST be the intersection of both lists, the welcome lists only that intersection, and neither peer uses a feature outside it.",
  },
  {
    id: "R-6.2-3",
    section: "6.2",
    strength: "MUST",
    side: "peer",
    behaviour:
      "A client MUST compute the intersection itself as well, because some runtimes advertise their full list, and both peers ignore feature names they do not know.",
  },
  {
    id: "R-6.2-4",
    section: "6.2",
    strength: "MUST",
    side: "runtime",
    behaviour:
      "A runtime MUST reject a request that relies on a feature outside the set with INVALID_REQUEST and details.feature, in particular a submit with lease_constraints.expires_at, cost.budget, model.use or a pinned version, rather than drop the restriction silently.",
  },
  {
    id: "R-6.2-5",
    section: "6.2",
    strength: "MUST",
    side: "runtime",
    behaviour:
      "A runtime MUST NOT send progress or result_chunk events, cost.budget.remaining metrics or credentials to a session that lacks the corresponding feature, and MUST NOT consume a sequence number of that session for what it leaves out.",
  },
  {
    id: "R-6.2-6",
    section: "6.2",
    strength: "MUST",
    side: "runtime",
    behaviour:
      "A runtime MUST refuse a client whose encodings list is present and lacks json with INVALID_REQUEST.",
  },
  {
    id: "R-6.2-7",
    section: "6.2",
    strength: "MUST",
    side: "runtime",
    behaviour:
      "Inventory entries MUST be objects with name and an array versions (empty for an unversioned agent), with default present only when it names one of the versions.",
  },
  {
    id: "R-6.2-8",
    section: "6.2",
    strength: "MUST",
    side: "client",
    behaviour:
      "A client MUST accept inventory entries that are plain strings, that lack versions, or that carry extra keys.",
  },
  {
    id: "R-6.2-9",
    section: "6.2",
    strength: "MUST",
    side: "runtime",
    behaviour:
      "A second opening request on an established session MUST be rejected with INVALID_REQUEST, except for the session.resume case of R-6.3-3.",
  },
  {
    id: "R-6.2-10",
    section: "6.2",
    strength: "MUST",
    side: "runtime",
    behaviour:
      "The resume token MUST be a fresh one in every welcome, first or resumed, with at least 128 bits from a cryptographic random source.",
  },
  {
    id: "R-6.2-11",
    section: "6.2",
    strength: "SHOULD",
    side: "runtime",
    behaviour:
      "A session.error sent before the welcome SHOULD already carry the session_id the session would have had, because the TypeScript client drops errors without one.",
  },
] as const satisfies readonly RequirementRow[];
