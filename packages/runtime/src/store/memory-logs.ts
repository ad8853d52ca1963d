import type { JobId } from "@arcp/core";
import { Largest } from "./largest.ts";
import type { AppendOutcome, LogBatch, LogPage, LogStore, PageLimits } from "./log-store.ts";
import { type LogLimits, MemoryLog } from "./memory-log.ts";

const EMPTY: LogPage = { floor: 0, head: 0, records: [] };

/** An append evicts no more than twice what it brings, and this many characters: enough, and it never takes long. */
const EVICTED_AT_ONCE = 1024 * 1024;

interface Share {
  /** Characters of all logs of a principal. */
  characters: number;
  /** Those of them that have something to lose. */
  readonly logs: Largest<JobId>;
}

interface Kept {
  readonly log: MemoryLog;
  readonly principal: string;
}

/** The logs of all jobs in memory. */
export class MemoryLogs implements LogStore {
  readonly #limits: LogLimits;
  readonly #total: number;
  readonly #principalOf: (job: JobId) => string | undefined;
  readonly #logs = new Map<JobId, Kept>();
  readonly #bells = new Map<JobId, Set<() => void>>();
  readonly #shares = new Map<string, Share>();
  /** Principals with a log that has something to lose. */
  readonly #principals = new Largest<string>();
  /** Of all logs together. */
  #characters = 0;

  /**
   * @param total characters kept of all logs together
   * @param principalOf whose a job is
   */
  constructor(limits: LogLimits, total: number, principalOf: (job: JobId) => string | undefined) {
    this.#limits = limits;
    this.#total = total;
    this.#principalOf = principalOf;
  }

  async append(batches: readonly LogBatch[]): Promise<readonly AppendOutcome[]> {
    const before = this.#characters;
    const outcomes = batches.map((batch) => this.#append(batch));
    this.#evict(2 * (this.#characters - before) + EVICTED_AT_ONCE);
    for (const { job } of batches) {
      for (const ring of this.#bells.get(job) ?? []) ring();
    }
    return outcomes;
  }

  async read(job: JobId, after: number, limits: PageLimits): Promise<LogPage> {
    return this.#logs.get(job)?.log.read(after, limits) ?? EMPTY;
  }

  listen(job: JobId, ring: () => void): () => void {
    const bells = this.#bells.get(job) ?? new Set();
    this.#bells.set(job, bells.add(ring));
    return () => {
      bells.delete(ring);
      if (bells.size === 0 && this.#bells.get(job) === bells) this.#bells.delete(job);
    };
  }

  async remove(job: JobId): Promise<void> {
    const kept = this.#logs.get(job);
    if (kept === undefined) return;
    this.#logs.delete(job);
    this.#count(job, kept, -kept.log.characters);
  }

  #append({ job, after, records }: LogBatch): AppendOutcome {
    const kept = this.#logs.get(job) ?? {
      log: new MemoryLog(this.#limits),
      principal: this.#principalOf(job) ?? "",
    };
    const { log } = kept;
    if (log.head !== after) return "fenced";
    if (records.length === 0) return "appended";
    this.#logs.set(job, kept);
    const before = log.characters;
    log.append(records);
    this.#count(job, kept, log.characters - before);
    return "appended";
  }

  /** The largest log of the principal that holds most loses its oldest records, until all are within the limit. */
  #evict(atMost: number): void {
    const floor = this.#characters - atMost;
    while (this.#characters > this.#total && this.#characters > floor) {
      const principal = this.#principals.first;
      const job = principal === undefined ? undefined : this.#shares.get(principal)?.logs.first;
      const kept = job && this.#logs.get(job);
      if (job === undefined || kept === undefined) return;
      this.#count(job, kept, -kept.log.evict());
    }
  }

  #count(job: JobId, { log, principal }: Kept, characters: number): void {
    const share = this.#shares.get(principal) ?? { characters: 0, logs: new Largest<JobId>() };
    this.#shares.set(principal, share);
    share.characters += characters;
    this.#characters += characters;
    // The newest record of a log stays, however large it is.
    if (this.#logs.has(job) && log.isEvictable) share.logs.set(job, log.characters);
    else share.logs.delete(job);
    if (share.logs.first === undefined) this.#principals.delete(principal);
    else this.#principals.set(principal, share.characters);
    if (share.characters === 0) this.#shares.delete(principal);
  }
}
