import type { JobId } from "@arcp/core";
import type { Logger } from "pino";
import type { Store } from "../store/index.ts";

type Kept = Pick<Store, "jobs" | "logs" | "idempotency">;

/**
 * Removes a job from the store and frees its key (R-7.2-6). The row goes last, so that an interrupted removal is found and
 * repeated.
 */
export async function removeJob({ jobs, logs, idempotency }: Kept, id: JobId): Promise<void> {
  await logs.remove(id);
  await idempotency.removeJob(id);
  await jobs.remove(id);
}

export interface ForgettingContext {
  readonly store: Kept;
  readonly logger: Logger;
}

/** Removes a delegated job that its parent's log does not announce, so that it never existed (R-10-2). */
export async function forgetJob(
  { store, logger }: ForgettingContext,
  { id, parent }: { readonly id: JobId; readonly parent?: JobId | undefined },
): Promise<void> {
  await removeJob(store, id);
  const text = "a delegated job is forgotten: its parent's log does not mention it";
  logger.warn({ job: id, parent }, text);
}
