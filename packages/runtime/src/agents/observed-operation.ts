import { ArcpError, LocalError } from "@arcp/core";
import { clip } from "../authority/clip.ts";
import type { Job } from "../jobs/job.ts";
import type { Trace } from "../jobs/trace.ts";
import type { OperationObservation } from "../observation.ts";
import type { OperationOutcome } from "../observer.ts";
import { paced } from "./paced.ts";

/** What an agent asks for by its context. All of these texts are the agent's own, and may be none. */
export interface Asked {
  readonly name: string;
  readonly target: unknown;
  /** Of a request. */
  readonly method?: unknown;
}

/** Given as a function where it takes work to tell: nobody does it who is not observed. */
type Told = Asked | (() => Asked);

/**
 * Does what an agent asked for, paced, and tells the observer of its job, if there is one.
 * @param act is given what those whom it calls are told of the trace, where the observer says that
 * @param outcome what the observer is told of what came of it
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

/** Does what takes no time: the observer is told of it where it is refused. */
export function unlessRefused<T>(job: Job, asked: Told, act: () => T): T {
  try {
    return act();
  } catch (error) {
    begin(job, asked)?.ended(failureOf(job, error));
    throw error;
  }
}

/** @returns undefined when nobody wants to know */
export function begin(job: Job, asked: Told): OperationObservation | undefined {
  const { observed: observation, authority, budget, secrets } = job;
  if (observation === undefined) return undefined;
  const { name, target, method } = typeof asked === "function" ? asked() : asked;
  // In this order: a part of a secret would not be found.
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

/** What is no text is refused by whoever is asked for it, and in his words (O1). */
function textOf(value: unknown): string {
  return typeof value === "string" ? value : "";
}
