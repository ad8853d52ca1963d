import type { JobId } from "@arcp/core";
import { Bells } from "./bells.ts";
import type { JobChange } from "./job-index.ts";
import { Largest, type Sized } from "./largest.ts";
import type { AppendOutcome, LogBatch, LogPage, LogStore, PageLimits } from "./log-store.ts";
import { type LogLimits, MemoryLog } from "./memory-log.ts";

const EMPTY: LogPage = { floor: 0, head: 0, records: [] };

/** The most that an append may evict beyond what it adds: enough to make progress, without any append taking long (J4). */
const SURPLUS = { records: 1024, characters: 1024 * 1024 };

/** The jobs that the logs belong to. */
export interface LoggedJobs {
  /** The principal of a job. */
  principalOf(job: JobId): string | undefined;
  /** Changes the row of a job, if there is one. */
  change(job: JobId, change: JobChange): void;
}

/** The logs of a principal. Ranked among the others while it has a log that can be evicted from. */
interface Share extends Sized {
  /** Characters of all its logs. */
  characters: number;
  /** Those of its logs that can be evicted from. */
  readonly logs: Largest<Kept>;
}

/** The log of a job, named by its id. Ranked within its principal while it can be evicted from. */
interface Kept extends Sized {
  readonly log: MemoryLog;
  readonly principal: string;
}

/** The logs of all jobs, in memory. */
export class MemoryLogs implements LogStore {
  readonly #limits: LogLimits;
  readonly #total: number;
  readonly #jobs: LoggedJobs;
  readonly #logs = new Map<JobId, Kept>();
  readonly #bells = new Bells();
  readonly #shares = new Map<string, Share>();
  /** The principals with a log that can be evicted from. */
  readonly #principals = new Largest<Share>();
  /** Characters of all logs together. */
  #characters = 0;

  /** @param total the most characters of all logs together */
  constructor(limits: LogLimits, total: number, jobs: LoggedJobs) {
    this.#limits = limits;
    this.#total = total;
    this.#jobs = jobs;
  }

  async append(batches: readonly LogBatch[]): Promise<readonly AppendOutcome[]> {
    const before = this.#characters;
    const outcomes = batches.map((batch) => this.#append(batch));
    this.#evict(Math.max(before, this.#total));
    this.#bells.ring(batches);
    return outcomes;
  }

  async read(job: JobId, after: number, limits: PageLimits): Promise<LogPage> {
    return this.#logs.get(job)?.log.read(after, limits) ?? EMPTY;
  }

  listen(job: JobId, ring: () => void): () => void {
    return this.#bells.hang(job, ring);
  }

  async remove(job: JobId): Promise<void> {
    const kept = this.#logs.get(job);
    if (kept === undefined) return;
    this.#logs.delete(job);
    this.#count(kept, -kept.log.characters, false);
    kept.log.remove();
  }

  #append({ job, after, records, change }: LogBatch): AppendOutcome {
    const known = this.#logs.get(job);
    const kept = known ?? this.#begin(job);
    const { log } = kept;
    if (log.head !== after) return "fenced";
    if (change !== undefined) this.#jobs.change(job, change);
    if (records.length === 0) return "appended";
    if (known === undefined) this.#logs.set(job, kept);
    const before = log.characters;
    log.append(records);
    this.#count(kept, log.characters - before, log.isEvictable);
    return "appended";
  }

  #begin(job: JobId): Kept {
    const principal = this.#jobs.principalOf(job) ?? "";
    const log = new MemoryLog(this.#limits);
    return { name: job, size: 0, place: undefined, log, principal };
  }

  /**
   * Evicts the oldest records from the largest log of the principal that holds most, until the total is within the limit or no
   * principal above an equal share can lose anything. So nobody below an equal share loses records because of what others hold and
   * cannot lose (R-14-2).
   * @param within the total that must be reached, regardless of the allowance
   */
  #evict(within: number): void {
    let { records, characters } = SURPLUS;
    while (this.#characters > this.#total) {
      const isNeeded = this.#characters > within;
      if (!isNeeded && (records <= 0 || characters <= 0)) return;
      const kept = this.#victim();
      if (kept === undefined) return;
      const evicted = kept.log.evict();
      this.#count(kept, -evicted, kept.log.isEvictable);
      if (isNeeded) continue;
      records -= 1;
      characters -= evicted;
    }
  }

  #victim(): Kept | undefined {
    const share = this.#principals.first;
    if (share === undefined || share.characters <= this.#total / this.#shares.size)
      return undefined;
    return share.logs.first;
  }

  /**
   * @param characters the change in its size
   * @param evictable whether it has a record to evict: the newest one of a log stays, however large it is
   */
  #count(kept: Kept, characters: number, evictable: boolean): void {
    const share = this.#shareOf(kept.principal);
    share.characters += characters;
    this.#characters += characters;
    if (evictable) share.logs.set(kept, kept.log.characters);
    else share.logs.delete(kept);
    if (share.logs.first === undefined) this.#principals.delete(share);
    else this.#principals.set(share, share.characters);
    if (share.characters === 0) this.#shares.delete(kept.principal);
  }

  #shareOf(principal: string): Share {
    const known = this.#shares.get(principal);
    if (known !== undefined) return known;
    const logs = new Largest<Kept>();
    const share = { name: principal, size: 0, place: undefined, characters: 0, logs };
    this.#shares.set(principal, share);
    return share;
  }
}
