import type { JobOutcome } from "../observer.ts";
import { type Ending, wireError } from "./ending.ts";
import type { Job } from "./job.ts";

type Outcome = Omit<JobOutcome, "endedAt">;

/** The outcome of a job as its observer sees it. */
export function outcomeOf({ life: { ending }, lost, budget, authority, secrets }: Job): Outcome {
  const remaining =
    authority.lease.budget.size > 0 ? Object.fromEntries(budget.remaining()) : undefined;
  if (ending === undefined) return { status: lost ? "lost" : "suspended", remaining };
  const { status, error } = outcomeOfEnding(ending);
  const said = error && { code: error.code, message: secrets.clean(error.message) };
  return { status, error: said, remaining };
}

/** The outcome of a job that no process runs any more. */
export function outcomeOfEnding(ending: Ending, remaining?: Outcome["remaining"]): Outcome {
  if (ending.status === "success") return { status: "success", remaining };
  const { code, message } = ending.payload;
  return { status: ending.status, error: { code, message }, remaining };
}

/** The outcome of a job that was not accepted after all. */
export function refusal(thrown: unknown): Outcome {
  const { code, message } = wireError(thrown);
  return { status: "refused", error: { code, message } };
}
