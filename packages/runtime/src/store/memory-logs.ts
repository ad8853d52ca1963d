import type { JobId } from "@arcp/core";
import { TransientMap } from "../transient-map.ts";
import type { JobChange } from "./job-index.ts";
import { Largest } from "./largest.ts";
import type { AppendOutcome, LogBatch, LogPage, LogStore, PageLimits } from "./log-store.ts";
import { type LogLimits, MemoryLog } from "./memory-log.ts";

const EMPTY: LogPage = { floor: 0, head: 0, records: [] };

/** What an append may evict beyond what it brings itself: enough, and no append takes long (J4). */
const SURPLUS = { records: 1024, characters: 1024 * 1024 };

/** The jobs that the logs are of. */
export interface LoggedJobs {
  /** Whose a job is. */
  principalOf(job: JobId): string | undefined;
  /** Changes the row of a job, if there is one. */
  change(job: JobId, change: JobChange): void;
}

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
  readonly #jobs: LoggedJobs;
  readonly #logs = new Map<JobId, Kept>();
  readonly #bells = new TransientMap<JobId, Set<() => void>>();
  readonly #shares = new Map<string, Share>();
  /** Principals with a log that has something to lose. */
  readonly #principals = new Largest<string>();
  /** Of all logs together. */
  #characters = 0;

  /** @param total characters kept of all logs together */
  constructor(limits: LogLimits, total: number, jobs: LoggedJobs) {
    this.#limits = limits;
    this.#total = total;
    this.#jobs = jobs;
  }

  async append(batches: readonly LogBatch[]): Promise<readonly AppendOutcome[]> {
    const before = this.#characters;
    const outcomes = batches.map((batch) => this.#append(batch));
    this.#evict(Math.max(before, this.#total));
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

  #append({ job, after, records, change }: LogBatch): AppendOutcome {
    const kept = this.#logs.get(job) ?? {
      log: new MemoryLog(this.#limits),
      principal: this.#jobs.principalOf(job) ?? "",
    };
    const { log } = kept;
    if (log.head !== after) return "fenced";
    if (change !== undefined) this.#jobs.change(job, change);
    if (records.length === 0) return "appended";
    this.#logs.set(job, kept);
    const before = log.characters;
    log.append(records);
    this.#count(job, kept, log.characters - before);
    return "appended";
  }

  /**
   * The largest log of the principal that holds most loses its oldest records, until all are within the limit or nobody
   * who holds more than an equal share has something to lose: what others hold and cannot lose takes nothing from whoever
   * holds less (R-14-2).
   * @param within what has to be reached, however many records that takes
   */
  #evict(within: number): void {
    let { records, characters } = SURPLUS;
    while (this.#characters > this.#total) {
      const isNeeded = this.#characters > within;
      if (!isNeeded && (records <= 0 || characters <= 0)) return;
      const [job, kept] = this.#victim() ?? [];
      if (job === undefined || kept === undefined) return;
      const evicted = kept.log.evict();
      this.#count(job, kept, -evicted);
      if (isNeeded) continue;
      records -= 1;
      characters -= evicted;
    }
  }

  #victim(): [JobId, Kept] | undefined {
    const principal = this.#principals.first;
    const share = principal === undefined ? undefined : this.#shares.get(principal);
    if (share === undefined || share.characters <= this.#total / this.#shares.size)
      return undefined;
    const job = share.logs.first;
    const kept = job && this.#logs.get(job);
    return kept && [job, kept];
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
