import type { RequirementRow } from "./requirement-row.ts";

export const leaseEnforcement = [
  {
    id: "R-9.3-1",
    section: "9.3",
    strength: "MUST",
    side: "runtime",
    behaviour:
      "The check MUST run synchronously before the operation is dispatched, in the order: job still active, expiry, budgets, pattern.",
  },
  {
    id: "R-9.3-2",
    section: "9.3",
    strength: "MUST",
    side: "runtime",
    behaviour:
      "Every operation an agent performs through the runtime MUST be covered by the job's effective lease at that moment and otherwise fail with PERMISSION_DENIED.",
  },
  {
    id: "R-9.3-3",
    section: "9.3",
    strength: "MUST",
    side: "runtime",
    behaviour:
      "A refused tool call MUST appear as the tool_call event followed by a tool_result with the error, and the agent's own call fails with the same error so that it cannot go on by mistake.",
  },
  {
    id: "R-9.3-4",
    section: "9.3",
    strength: "MUST",
    side: "runtime",
    behaviour:
      "A refusal MUST NOT end the job by itself, except after expiry (R-9.5-4) or with the fatal budget option (R-9.6-7).",
  },
  {
    id: "R-9.3-5",
    section: "9.3",
    strength: "MUST",
    side: "runtime",
    behaviour:
      'No emission interface of the agent MUST be able to bypass the checks of this chapter, in particular a generic "emit event" call with a reserved kind.',
  },
  {
    id: "R-9.4-1",
    section: "9.4",
    strength: "MUST",
    side: "runtime",
    behaviour:
      "A delegated lease MUST be refused with LEASE_SUBSET_VIOLATION unless the runtime can prove that every target it allows is allowed by the parent's lease.",
  },
  {
    id: "R-9.4-2",
    section: "9.4",
    strength: "MUST",
    side: "runtime",
    behaviour:
      "The decision MUST accept at least what the procedure above proves, equality included.",
  },
  {
    id: "R-9.4-3",
    section: "9.4",
    strength: "MUST",
    side: "runtime",
    behaviour:
      "A child MUST hold only the namespaces it names, apart from restrictions, which it inherits when it omits them: expires_at, budgets through R-9.6-8, and model.use where absence would otherwise mean permission.",
  },
  {
    id: "R-9.4-4",
    section: "9.4",
    strength: "MUST",
    side: "runtime",
    behaviour:
      "For every currency the child names, its amount MUST NOT exceed what the parent and each of its ancestors have available at that moment (what remains, less open reservations and the unspent grants of other live children), and the currency has to be budgeted on the parent.",
  },
  {
    id: "R-9.4-5",
    section: "9.4",
    strength: "MUST",
    side: "runtime",
    behaviour:
      "A child's expires_at MUST NOT be later than its parent's, and the effective expiry is the earlier of the two.",
  },
  {
    id: "R-9.5-1",
    section: "9.5",
    strength: "MUST",
    side: "runtime",
    behaviour:
      "expires_at MUST be a valid calendar time in the form YYYY-MM-DDThh:mm:ss[.fraction]Z that lies in the future at submission, and anything else is refused with INVALID_REQUEST.",
  },
  {
    id: "R-9.5-2",
    section: "9.5",
    strength: "MUST",
    side: "runtime",
    behaviour:
      "From the very instant expires_at names, every further operation MUST be refused with LEASE_EXPIRED.",
  },
  {
    id: "R-9.5-3",
    section: "9.5",
    strength: "SHOULD",
    side: "runtime",
    behaviour:
      "When expires_at passes, the runtime SHOULD signal the agent and end the job with LEASE_EXPIRED and error without waiting for another operation, as all SDKs do.",
  },
  {
    id: "R-9.5-4",
    section: "9.5",
    strength: "MUST",
    side: "runtime",
    behaviour:
      "A job that attempts an operation after expiry MUST at the latest then end with LEASE_EXPIRED and error.",
  },
  {
    id: "R-9.5-5",
    section: "9.5",
    strength: "MUST",
    side: "runtime",
    behaviour:
      "A wall clock that is set back MUST NOT extend a lease, and a tolerance for clock skew is zero by default and at most one second.",
  },
] as const satisfies readonly RequirementRow[];
