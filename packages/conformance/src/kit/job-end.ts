import assert from "node:assert/strict";
import type { StreamEnvelope } from "../wire/stream-envelope.ts";
import { isTerminal } from "./site.ts";

/** How a job ended, according to its terminal envelope. */
export interface JobEnd {
  readonly final_status: string;
  readonly code?: string;
  readonly message?: string;
  readonly retryable?: boolean;
  readonly details?: Readonly<Record<string, unknown>>;
  readonly result?: unknown;
  readonly result_id?: string;
  readonly result_size?: number;
}

/** How a job ended that was followed to its end. Fails if the last envelope is not terminal. */
export function endOf(seen: StreamEnvelope | readonly StreamEnvelope[]): JobEnd {
  const last = "type" in seen ? seen : seen.at(-1);
  if (last !== undefined && isTerminal(last)) return last.payload as unknown as JobEnd;
  return assert.fail(`no end of a job: ${JSON.stringify(last)}`);
}

/** Whether an envelope is the end of this job. */
export const endsJob =
  (id: string | undefined) =>
  (envelope: StreamEnvelope): boolean =>
    isTerminal(envelope) && envelope.job_id === id;

/**
 * Whether an envelope is the last of this many ends: the envelopes of a job and its descendants come in any order, as those of all
 * jobs do, so the end of a parent may well come before that of a child. Good for one reading.
 */
export function endsJobs(count: number): (envelope: StreamEnvelope) => boolean {
  let left = count;
  return (envelope) => isTerminal(envelope) && --left === 0;
}

/** The records of one job, in order. */
export function ofJob(all: readonly StreamEnvelope[], id: string | undefined): StreamEnvelope[] {
  return all.filter(({ job_id }) => job_id === id);
}
