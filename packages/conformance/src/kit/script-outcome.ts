import assert from "node:assert/strict";
import type { StreamEnvelope } from "../wire/stream-envelope.ts";
import { endOf } from "./job-end.ts";

/** The outcome of a named step of a script. */
export interface StepOutcome {
  readonly value?: unknown;
  readonly refused?: {
    readonly code: string;
    readonly message: string;
    readonly retryable: boolean;
    readonly details?: Readonly<Record<string, unknown>>;
  };
}

/** The outcomes of the named steps of a script, which are the result of its job. Fails if the job did not succeed. */
export function outcomesOf(
  seen: StreamEnvelope | readonly StreamEnvelope[],
): Readonly<Record<string, StepOutcome>> {
  const end = endOf(seen);
  assert.equal(end.final_status, "success", `the script ended as ${end.code}: ${end.message}`);
  return end.result as Record<string, StepOutcome>;
}

/** The same in one word each: `allowed`, or the code of the refusal. */
export function answersOf(
  seen: StreamEnvelope | readonly StreamEnvelope[],
): Readonly<Record<string, string>> {
  const outcomes = Object.entries(outcomesOf(seen));
  return Object.fromEntries(
    outcomes.map(([name, { refused }]) => [name, refused?.code ?? ALLOWED]),
  );
}

/** The value of one named step. Fails if the step was refused. */
export function stepValue(seen: StreamEnvelope | readonly StreamEnvelope[], name: string): unknown {
  const outcome = outcomesOf(seen)[name];
  if (outcome !== undefined && "value" in outcome) return outcome.value;
  return assert.fail(`the step ${name} was refused: ${JSON.stringify(outcome?.refused)}`);
}

export const ALLOWED = "allowed";
