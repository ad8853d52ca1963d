import type { RequirementRow } from "./requirement-row.ts";

export const delegation = [
  {
    id: "R-10-1",
    section: "10",
    strength: "MUST",
    side: "runtime",
    behaviour:
      "Delegation MUST require that the parent's lease covers the agent under agent.delegate, failing with PERMISSION_DENIED otherwise.",
  },
  {
    id: "R-10-2",
    section: "10",
    strength: "MUST",
    side: "runtime",
    behaviour:
      "An accepted delegation MUST produce the delegate event on the parent, then a job.accepted of the child with parent_job_id and delegate_id in the same session, then the child's own events.",
  },
  {
    id: "R-10-3",
    section: "10",
    strength: "MUST",
    side: "runtime",
    behaviour:
      "A refused delegation MUST produce the delegate event without child_job_id and a tool_result on the parent with call_id equal to delegate_id, and leaves parent and session running.",
  },
  {
    id: "R-10-4",
    section: "10",
    strength: "MUST",
    side: "runtime",
    behaviour:
      "The child MUST be an ordinary job of the same session and principal, with its own id, lease, counters, stream envelopes and terminal, listed with its parent_job_id.",
  },
  {
    id: "R-10-5",
    section: "10",
    strength: "MUST",
    side: "runtime",
    behaviour: "The end of a child MUST NOT end or alter its parent.",
  },
  {
    id: "R-10-6",
    section: "10",
    strength: "MUST",
    side: "runtime",
    behaviour:
      "When a parent reaches any terminal state, the runtime MUST cancel its unfinished descendants with CANCELLED and details.reason parent_ended (OP-5). A cancel signals descendants together with the parent; when the parent ends, in whatever way, those still running end at once without further grace, and their final costs are charged before the parent's last cost.budget.remaining.",
  },
  {
    id: "R-10-7",
    section: "10",
    strength: "MUST",
    side: "runtime",
    behaviour: "The agent MUST be able to learn the child's id and outcome.",
  },
  {
    id: "R-10-8",
    section: "10",
    strength: "MUST",
    side: "runtime",
    behaviour:
      "Delegation deeper than the configured limit MUST be refused with PERMISSION_DENIED.",
  },
] as const satisfies readonly RequirementRow[];
