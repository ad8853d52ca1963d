import type { RequirementRow } from "./requirement-row.ts";

export const budget = [
  {
    id: "R-9.6-1",
    section: "9.6",
    strength: "MUST",
    side: "runtime",
    behaviour:
      "An entry of cost.budget that does not match the grammar MUST be refused with INVALID_REQUEST.",
  },
  {
    id: "R-9.6-2",
    section: "9.6",
    strength: "MUST",
    side: "runtime",
    behaviour:
      "Each currency MUST have its own counter, initialised at acceptance with the sum of its entries and reported there in budget.",
  },
  {
    id: "R-9.6-3",
    section: "9.6",
    strength: "MUST",
    side: "runtime",
    behaviour:
      "A metric whose name starts with cost. but not cost.budget. and whose unit equals a budgeted currency MUST reduce that counter by exactly value when it is emitted.",
  },
  {
    id: "R-9.6-4",
    section: "9.6",
    strength: "MUST",
    side: "runtime",
    behaviour:
      "A negative, non-finite or non-numeric cost value MUST be refused towards the agent, without decrement and without emitting the event.",
  },
  {
    id: "R-9.6-5",
    section: "9.6",
    strength: "MUST",
    side: "runtime",
    behaviour:
      "A cost that exceeds the remainder MUST still be recorded and emitted, leaving an exact negative counter.",
  },
  {
    id: "R-9.6-6",
    section: "9.6",
    strength: "MUST",
    side: "runtime",
    behaviour:
      "While any counter of the job is zero or below, every operation MUST fail with BUDGET_EXHAUSTED, whatever its namespace or currency.",
  },
  {
    id: "R-9.6-7",
    section: "9.6",
    strength: "SHOULD",
    side: "runtime",
    behaviour:
      "Exhaustion SHOULD surface as a tool_result error that leaves the job running, and end the job only when the operator chose so.",
  },
  {
    id: "R-9.6-8",
    section: "9.6",
    strength: "MUST",
    side: "runtime",
    ours: true,
    behaviour:
      "Costs of a delegated job MUST also be charged to every ancestor that budgets the currency, and its operations fail when an ancestor's counter is exhausted.",
  },
  {
    id: "R-9.6-9",
    section: "9.6",
    strength: "SHOULD",
    side: "runtime",
    behaviour:
      "After a decrement the runtime SHOULD emit cost.budget.remaining with the exact remainder and unit, always after the metric that caused it.",
  },
  {
    id: "R-9.6-10",
    section: "9.6",
    strength: "SHOULD",
    side: "runtime",
    behaviour:
      "This metric SHOULD be emitted for the first decrement, for every further change of 5 % of the initial amount, and on reaching zero or less.",
  },
  {
    id: "R-9.6-11",
    section: "9.6",
    strength: "MUST",
    side: "runtime",
    behaviour:
      "The last cost.budget.remaining before the terminal envelope MUST equal the final counter whenever such metrics are emitted for that currency.",
  },
  {
    id: "R-9.6-12",
    section: "9.6",
    strength: "SHOULD",
    side: "runtime",
    behaviour:
      "An upstream's own budget error SHOULD be translated to BUDGET_EXHAUSTED at the runtime's boundary.",
  },
  {
    id: "R-9.6-13",
    section: "9.6",
    strength: "SHOULD",
    side: "runtime",
    ours: true,
    behaviour:
      "A runtime SHOULD let agents and tools reserve an amount before they spend it: a reservation that does not fit into what is available fails with BUDGET_EXHAUSTED, does not change the counter that is reported, and ends by being settled (with a cost.* metric of the actual amount) or released, at the latest with the job.",
  },
] as const satisfies readonly RequirementRow[];
