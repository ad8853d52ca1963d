import type { JobId } from "@arcp/core";
import type { IdempotencyRecord, IdempotencyStore } from "./idempotency-store.ts";

/** Idempotency keys in memory. */
export class MemoryIdempotency implements IdempotencyStore {
  readonly #records = new Map<string, IdempotencyRecord>();
  readonly #byJob = new Map<JobId, readonly string[]>();

  async get(principal: string, key: string): Promise<IdempotencyRecord | undefined> {
    return this.#records.get(pair(principal, key));
  }

  async put(record: IdempotencyRecord): Promise<void> {
    const name = pair(record.principal, record.key);
    const replaced = this.#records.get(name);
    if (replaced !== undefined) this.#forget(replaced.job, name);
    this.#records.set(name, record);
    this.#byJob.set(record.job, [...(this.#byJob.get(record.job) ?? []), name]);
  }

  async removeJob(job: JobId): Promise<void> {
    for (const name of this.#byJob.get(job) ?? []) this.#records.delete(name);
    this.#byJob.delete(job);
  }

  #forget(job: JobId, name: string): void {
    const names = (this.#byJob.get(job) ?? []).filter((other) => other !== name);
    if (names.length > 0) this.#byJob.set(job, names);
    else this.#byJob.delete(job);
  }
}

/** The JSON of two different pairs is always different (R-7.2-1). */
function pair(principal: string, key: string): string {
  return JSON.stringify([principal, key]);
}
