import { ArcpError, LocalError } from "@arcp/core";
import { clip } from "../authority/clip.ts";
import type { Job } from "../jobs/job.ts";
import type { Trace } from "../jobs/trace.ts";
import type { OperationObservation } from "../observation.ts";
import type { OperationOutcome } from "../observer.ts";
import { paced } from "./paced.ts";

/** An operation that an agent requests through its context. The values come from the agent and need not be strings. */
export interface Asked {
  readonly name: string;
  readonly target: unknown;
  /** The method of a request. */
  readonly method?: unknown;
}

/** A function if describing it takes work, which is skipped when nobody observes the job. */
type Told = Asked | (() => Asked);

/**
 * Runs an operation for an agent, paced, and reports it to the job's observer, if there is one.
 * @param act receives the trace to propagate, if the observer sets one
 * @param outcome what the observer is told of the result
 */
export function observed<T>(
  job: Job,
  asked: Told,
  act: (trace: Trace | undefined) => Promise<T>,
  outcome: (value: T) => OperationOutcome = () => ({}),
): Promise<T> {
  const begun = begin(job, asked);
  if (begun === undefined) return paced(job, act(undefined));
  const failed = (error: unknown): void => begun.ended(failureOf(job, error));
  try {
    const acting = begun.within(() => act(begun.trace));
    acting.then((value) => begun.ended(outcome(value)), failed);
    return paced(job, acting);
  } catch (error) {
    failed(error);
    throw error;
  }
}

/** Runs a synchronous operation, which is reported to the observer only if it is refused. */
export function unlessRefused<T>(job: Job, asked: Told, act: () => T): T {
  try {
    return act();
  } catch (error) {
    begin(job, asked)?.ended(failureOf(job, error));
    throw error;
  }
}

/** @returns undefined if nobody observes it */
export function begin(job: Job, asked: Told): OperationObservation | undefined {
  const { observed: observation, authority, budget, secrets } = job;
  if (observation === undefined) return undefined;
  const { name, target, method } = typeof asked === "function" ? asked() : asked;
  // Cleaned before clipping: a truncated secret would not be recognised.
  const shown = (text: unknown): string => clip(secrets.clean(textOf(text)));
  return observation.operation({
    name: shown(name),
    target: shown(target),
    method: method === undefined ? undefined : shown(method),
    remaining: authority.lease.budget.size > 0 ? Object.fromEntries(budget.remaining()) : undefined,
  });
}

function failureOf({ secrets }: Job, error: unknown): OperationOutcome {
  const known = error instanceof ArcpError || error instanceof LocalError;
  return { error: secrets.cleanError(error), code: known ? error.code : undefined };
}

/** A value that is not a string is left for the operation itself to refuse (O1). */
function textOf(value: unknown): string {
  return typeof value === "string" ? value : "";
}
