import type { JobId } from "@arcp/core";
import type { Logger } from "pino";
import type { Store } from "../store/index.ts";

export interface ForgettingOptions {
  readonly store: Pick<Store, "jobs" | "logs" | "idempotency">;
  readonly logger: Logger;
}

/**
 * Removes what the store has of a delegated job of which its parent's log does not tell: it never was (R-10-2), and its key is free
 * (R-7.2-6). The row goes last: as long as it is there, whoever comes next finds it and does the same again.
 */
export async function forgetJob(
  { store, logger }: ForgettingOptions,
  { id, parent }: { readonly id: JobId; readonly parent?: JobId | undefined },
): Promise<void> {
  await store.logs.remove(id);
  await store.idempotency.removeJob(id);
  await store.jobs.remove(id);
  const text = "a delegated job is forgotten: its parent's log does not tell of it";
  logger.warn({ job: id, parent }, text);
}
