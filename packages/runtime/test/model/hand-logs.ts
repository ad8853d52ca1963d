import type { JobId } from "@arcp/core";
import type { LogPage, LogRecord, LogStore, PageLimits } from "../../src/store/index.ts";

interface HandLog {
  readonly records: LogRecord[];
  floor: number;
}

/** The logs of all jobs, all durable: what can be read is what there is. */
export class HandLogs {
  readonly #logs = new Map<JobId, HandLog>();
  /** The current listeners; a dead process has none. */
  listeners = new Set<GatedLogs>();

  /** A compare-and-set on the log's end (J1). */
  append(job: JobId, after: number, record: LogRecord): void {
    const log = this.#logs.get(job) ?? { records: [], floor: 0 };
    this.#logs.set(job, log);
    if (log.records.length !== after) return;
    log.records.push(record);
    for (const listener of this.listeners) listener.due(job);
  }

  evict(job: JobId): void {
    const log = this.#logs.get(job);
    if (log !== undefined) log.floor += 1;
  }

  /** The record, evicted or not. */
  at(job: JobId, jobSeq: number): LogRecord | undefined {
    return this.#logs.get(job)?.records[jobSeq - 1];
  }

  page(job: JobId, after: number, limits: PageLimits): LogPage {
    const { records = [], floor = 0 } = this.#logs.get(job) ?? {};
    const from = Math.max(after, floor);
    return { floor, head: records.length, records: records.slice(from, from + limits.records) };
  }

  /** For readers that need not wait. */
  free(): LogStore {
    return new GatedLogs(this, "any");
  }
}

/**
 * The logs as one connection sees them. A read waits until it is let through, and a due bell rings when told to: both
 * may take any length of time.
 */
export class GatedLogs implements LogStore {
  readonly #logs: HandLogs;
  readonly #bells = new Map<JobId, () => void>();
  /** Bells that must ring some time. */
  readonly #due = new Set<JobId>();
  /** What its projector is about to read by itself, in this order. */
  readonly #next = new Set<JobId>();
  /** What may be read without waiting: logs of these jobs, and logs with nothing to read. */
  #open: ReadonlySet<JobId> | "any" | undefined;
  #waiting: { readonly job: JobId; readonly early: boolean; go(): void } | undefined;
  /** Whether the next read that finds nothing looks at once and answers later. */
  looksEarly = false;

  constructor(logs: HandLogs, open?: "any") {
    this.#logs = logs;
    this.#open = open;
    if (open === undefined) logs.listeners.add(this);
  }

  async append(): Promise<readonly []> {
    return [];
  }

  async remove(): Promise<void> {}

  listen(job: JobId, ring: () => void): () => void {
    this.#bells.set(job, ring);
    this.#next.add(job);
    return () => {
      if (this.#bells.get(job) === ring) this.#bells.delete(job);
    };
  }

  async read(job: JobId, after: number, limits: PageLimits): Promise<LogPage> {
    this.#next.delete(job);
    const found = this.#logs.page(job, after, limits);
    const isEmpty = found.head === after && found.floor <= after;
    if (this.#open === "any" || (this.#open && (isEmpty || this.#open.has(job))))
      return this.#read(job, after, limits);
    const early = this.looksEarly && isEmpty;
    await new Promise<void>((go) => {
      this.#waiting = { job, early, go };
    });
    return early ? found : this.#read(job, after, limits);
  }

  #read(job: JobId, after: number, limits: PageLimits): LogPage {
    this.#due.delete(job);
    return this.#logs.page(job, after, this.#open ? limits : { ...limits, records: 1 });
  }

  /** Something became durable: only current listeners are told. */
  due(job: JobId): void {
    if (this.#bells.has(job)) this.#due.add(job);
  }

  get waits(): boolean {
    return this.#waiting !== undefined;
  }

  /** Those of the given jobs that its projector reads before it looks at anything else. */
  first(of: readonly JobId[]): readonly JobId[] {
    const { job, early = true } = this.#waiting ?? {};
    const reading = job === undefined || early ? [] : [job];
    return [...reading, ...this.#next].filter((one) => of.includes(one));
  }

  /** Lets the one waiting read through. It gets a page of one record, which a replay must cope with. */
  grant(): void {
    const waiting = this.#waiting;
    this.#waiting = undefined;
    waiting?.go();
  }

  /** Rings for these jobs, and lets their reads through until shut again: what else is found belongs to the next batch. */
  open(order: readonly JobId[]): void {
    this.#open = new Set(order);
    for (const job of order) if (this.#due.has(job)) this.#bells.get(job)?.();
    this.grant();
  }

  /** Lets all reads through until shut again. */
  openAll(): void {
    this.#open = "any";
    this.grant();
  }

  shut(): void {
    this.#open = undefined;
  }
}
