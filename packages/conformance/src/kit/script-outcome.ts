import assert from "node:assert/strict";
import type { StreamEnvelope } from "../wire/stream-envelope.ts";

/** What a named step of a script came to. */
export interface StepOutcome {
  readonly value?: unknown;
  readonly refused?: {
    readonly code: string;
    readonly message: string;
    readonly retryable: boolean;
    readonly details?: Readonly<Record<string, unknown>>;
  };
}

/** What the named steps of a script came to, which is the result of its job. Fails when the job did not succeed. */
export function outcomesOf(envelopes: readonly StreamEnvelope[]): Record<string, StepOutcome> {
  const end = envelopes.at(-1);
  if (end?.type === "job.result") return end.payload.result as Record<string, StepOutcome>;
  return assert.fail(`the script came to no result: ${JSON.stringify(end?.payload)}`);
}

/** In one word each: `allowed`, or the code of the refusal. */
export function answersOf(envelopes: readonly StreamEnvelope[]): Record<string, string> {
  const outcomes = Object.entries(outcomesOf(envelopes));
  return Object.fromEntries(
    outcomes.map(([name, { refused }]) => [name, refused?.code ?? ALLOWED]),
  );
}

export const ALLOWED = "allowed";
