import type { JobId } from "@arcp/core";
import type {
  AppendOutcome,
  LogBatch,
  LogPage,
  LogRecord,
  LogStore,
  PageLimits,
} from "@arcp/runtime/store";
import { DamagedLog } from "@arcp/runtime/store";
import { Allowance } from "./allowance.ts";
import { countLimit } from "./column.ts";
import type { Connection } from "./connection.ts";
import { damaged, isCorrupt } from "./damage.ts";
import type { GroupCommit } from "./group-commit.ts";
import { Holdings } from "./holdings.ts";
import type { JobTable } from "./job-table.ts";
import { KEPT_RECORDS, type LastAppend, LastAppends } from "./last-appends.ts";
import type { LogLimits } from "./log-limits.ts";
import { type LogState, LogTable } from "./log-table.ts";
import type { Reclaimer } from "./reclaimer.ts";
import { isWritten, LAST_SEQ, type RecordTable, recordIn, seqIn } from "./record-table.ts";
import { Shares } from "./shares.ts";

/**
 * The most that an append may evict beyond what it adds. If a limit was lowered or a share became smaller, the logs come within it
 * soon, without any append taking long (J4).
 */
const SURPLUS = { records: 1024, characters: 1024 * 1024 };

/** The logs of all jobs, with one row per record. */
export class RecordLog implements LogStore {
  readonly #group: GroupCommit;
  readonly #jobs: JobTable;
  readonly #logs: LogTable;
  readonly #records: RecordTable;
  readonly #reclaimer: Reclaimer;
  readonly #limits: LogLimits & { readonly total: number };
  readonly #shares: Shares;
  readonly #holdings: Holdings;
  readonly #last = new LastAppends();

  constructor(
    connection: Connection,
    group: GroupCommit,
    jobs: JobTable,
    records: RecordTable,
    reclaimer: Reclaimer,
    limits: LogLimits & { readonly total: number },
  ) {
    this.#group = group;
    this.#jobs = jobs;
    this.#records = records;
    this.#reclaimer = reclaimer;
    this.#limits = limits;
    this.#logs = new LogTable(connection, records);
    this.#shares = new Shares(this.#logs, limits.total);
    this.#holdings = new Holdings(records, this.#shares);
    group.onRollback(() => {
      this.#shares.forget();
      this.#last.clear();
    });
  }

  append(batches: readonly LogBatch[]): Promise<readonly AppendOutcome[]> {
    return this.#group.write(() => {
      const before = this.#shares.total;
      const surplus = new Allowance(SURPLUS.records, SURPLUS.characters);
      const outcomes = batches.map((batch) => this.#append(batch, surplus));
      this.#evictFromAll(Math.max(before, this.#limits.total), unlimited());
      this.#evictFromAll(this.#limits.total, surplus);
      return outcomes;
    });
  }

  read(job: JobId, after: number, limits: PageLimits): Promise<LogPage> {
    return this.#group.read(() => this.#read(job, after, limits));
  }

  #read(job: JobId, after: number, limits: PageLimits): LogPage {
    const log = this.#state(job);
    if (log === undefined) return { floor: 0, head: 0, records: [] };
    try {
      return this.#page(log, after, limits);
    } catch (cause) {
      if (!isCorrupt(cause)) throw cause;
      // SQLite does not say how far the damage extends, so all of it counts as damaged.
      const problem = damaged(`records of ${job} cannot be read`);
      throw new DamagedLog(problem, log.head, { cause });
    }
  }

  #page({ job, key, floor, head }: LogState, after: number, limits: PageLimits): LogPage {
    let seq = Math.max(after, floor);
    const most = countLimit(limits.records);
    const last = this.#last.get(job);
    if (last !== undefined && head - last.records.length === seq && fits(last, limits)) {
      return { floor, head, records: [...last.records] };
    }
    const page: LogPage & { readonly records: LogRecord[] } = { floor, head, records: [] };
    let characters = 0;
    const end = Math.min(seq + most, head);
    // Read no further: what follows may be damaged.
    if (seq >= end) return page;
    // When reading to the end, request one row more, to check that there is none.
    const limit = seq + most < head ? most : head - seq + 1;
    for (const row of this.#records.after(key, seq, limit)) {
      seq += 1;
      if (seq > head) throw new DamagedLog(damaged(`the log of ${job} ends elsewhere`), head);
      if (seqIn(row) !== seq) throw missing(job, seq, seqIn(row) - 1);
      if (!isWritten(row)) throw nonsense(job, seq);
      const record = recordIn(row);
      characters += record.text.length;
      if (page.records.length > 0 && characters > limits.characters) return page;
      page.records.push(record);
    }
    if (seq < end) throw missing(job, seq + 1, head);
    return page;
  }

  listen(job: JobId, ring: () => void): () => void {
    return this.#group.listen(job, ring);
  }

  async remove(job: JobId): Promise<void> {
    await this.#group.write(() => {
      const log = this.#state(job);
      if (log === undefined) return;
      this.#shares.add(log.principal, -log.size);
      this.#logs.remove(job);
      this.#last.delete(job);
      this.#reclaimer.add(log.key);
    });
    this.#reclaimer.start();
  }

  #append(batch: LogBatch, surplus: Allowance): AppendOutcome {
    const { job, after, records, change } = batch;
    const known = this.#state(job);
    if ((known?.head ?? 0) !== after) return "fenced";
    // The log continues after the end that its row claims. New records would collide with those, and fail the whole transaction.
    const isCold = known !== undefined && this.#last.get(job) === undefined;
    if (isCold && this.#records.hasBehind(known.key, known.head)) return "fenced";
    // A log with the highest possible position is full.
    if (after + records.length > LAST_SEQ) return "fenced";
    if (change !== undefined) this.#jobs.change(job, change);
    if (records.length === 0) return "appended";
    const log = known ?? this.#logs.begin(job, this.#jobs.principalOf(job) ?? "");
    const within = largerOf(log, this.#limits);
    for (const record of records) {
      const { kind } = record;
      // The text is in the file now and need not stay in memory.
      const text = record.long?.toOwnString() ?? record.text;
      log.head += 1;
      this.#holdings.add(log, kind, text);
      this.#records.insert(log.key, log.head, kind, text);
    }
    if (exceeds(log, this.#limits)) this.#evictFrom(log, within, surplus);
    if (known === undefined) this.#logs.insert(log);
    else this.#logs.update(log);
    this.#keep(log, records);
    this.#group.appended(batch);
    return "appended";
  }

  #state(job: JobId): LogState | undefined {
    return this.#last.get(job)?.log ?? this.#logs.find(job);
  }

  #keep(log: LogState, records: readonly LogRecord[]): void {
    // Long texts are only lent for the call, and slow to read anyway. In a flood, cached records would be promoted to the old
    // generation before they become garbage.
    const isKept = records.length <= KEPT_RECORDS && records.every(({ long }) => !long);
    const kept = isKept ? [...records] : [];
    const characters = kept.reduce((sum, { text }) => sum + text.length, 0);
    this.#last.set({ log, records: kept, characters });
  }

  /** @param within the limits that must be reached, regardless of the allowance */
  #evictFrom(log: LogState, within: LogLimits, surplus: Allowance): void {
    this.#holdings.evict(log, () => exceeds(log, within), unlimited());
    this.#holdings.evict(log, () => exceeds(log, this.#limits), surplus);
  }

  /**
   * Evicts the oldest records from the largest log of the principal that holds most, until the total is within the limit or no
   * principal above an equal share can lose anything.
   */
  #evictFromAll(limit: number, allowance: Allowance): void {
    const isOver = (): boolean => this.#shares.total > limit;
    while (isOver() && allowance.isLeft) {
      const victim = this.#shares.victim();
      if (victim === undefined) return;
      const { log } = victim;
      const { floor } = log;
      // As long as this log would be chosen again.
      const goesOn = (): boolean => isOver() && (log.floor === floor || victim.isStill(log.size));
      this.#holdings.evict(log, goesOn, allowance);
      this.#logs.update(log);
      this.#last.delete(log.job);
    }
  }
}

/** Reported as damage, because readers would otherwise skip the missing records silently, or wait for them (P3). */
function missing(job: JobId, from: number, to: number): DamagedLog {
  const which =
    from === to ? `record ${from} of ${job} is` : `records ${from} to ${to} of ${job} are`;
  return new DamagedLog(damaged(`${which} missing`), to);
}

function nonsense(job: JobId, seq: number): DamagedLog {
  return new DamagedLog(damaged(`record ${seq} of ${job} is not what was written`), seq);
}

function unlimited(): Allowance {
  return new Allowance(Number.POSITIVE_INFINITY, Number.POSITIVE_INFINITY);
}

/** The limits, raised to what a log already holds. */
function largerOf(a: LogLimits, b: LogLimits): LogLimits {
  return {
    records: Math.max(a.records, b.records),
    characters: Math.max(a.characters, b.characters),
  };
}

function exceeds({ records, characters }: LogLimits, limits: LogLimits): boolean {
  return records > limits.records || characters > limits.characters;
}

/** Whether all of it fits on one page. */
function fits({ records, characters }: LastAppend, limits: PageLimits): boolean {
  return records.length <= limits.records && characters <= limits.characters;
}
