import type { JobId } from "@arcp/core";
import type { LogRecord, LogStore } from "@arcp/runtime/store";

const WHOLE = { records: 100_000, characters: 1e9 };

/** What every log was ever given, also after it was trimmed or removed. */
export class Chronicle {
  readonly #logs = new Map<string, LogRecord[]>();
  readonly #touched = new Set<JobId>();

  /** Record n at n - 1; those that were trimmed before anybody looked are missing. */
  of(job: string): ReadonlyArray<LogRecord | undefined> {
    return this.#logs.get(job) ?? [];
  }

  hasEnded(job: string): boolean {
    return this.of(job).at(-1)?.kind === "terminal";
  }

  /** The same logs; what is taken into them is written down. */
  following(logs: LogStore): LogStore {
    return {
      append: async (batches) => {
        for (const { job } of batches) this.#touched.add(job);
        const outcomes = await logs.append(batches);
        for (const [i, { job, after, records }] of batches.entries()) {
          if (outcomes[i] === "appended") this.#write(job, after, records);
        }
        return outcomes;
      },
      read: (job, after, limits) => logs.read(job, after, limits),
      listen: (job, ring) => logs.listen(job, ring),
      remove: (job) => logs.remove(job),
    };
  }

  /** What became durable although nobody was told, as before a crash. */
  async catchUp(logs: LogStore): Promise<void> {
    for (const job of this.#touched) {
      const known = this.of(job).length;
      const { floor, records } = await logs.read(job, known, WHOLE);
      this.#write(job, Math.max(known, floor), records);
    }
  }

  #write(job: string, after: number, records: readonly LogRecord[]): void {
    const log = this.#logs.get(job) ?? [];
    this.#logs.set(job, log);
    for (const [i, record] of records.entries()) log[after + i] = record;
  }
}
