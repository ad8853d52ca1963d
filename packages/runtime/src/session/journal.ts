import type { JobId } from "@arcp/core";
import type { Cut, Role, Run } from "../store/index.ts";

/** What a number of the session's stream stands for. */
export interface Origin {
  readonly job: JobId;
  readonly role: Role;
  readonly jobSeq: number;
  /** The session's own message under this number, if it is not a record. */
  readonly said: string | undefined;
  /** The last number that this run can cover, one before the next run. Infinite for the last run of records. */
  readonly lastSeq: number;
}

/** Consecutive numbers with the consecutive records that they stand for; or a single number with the session's own message. */
export interface Span {
  readonly job: JobId;
  readonly role: Role;
  readonly jobFrom: number;
  readonly count: number;
  readonly said: string | undefined;
}

/**
 * Maps every number of a session's stream to its record, and knows how far the numbers go. It consists of open runs, in ascending
 * order and dense from 1, and among them the session's few own messages, one number each. Runs that nobody can ask for any more are
 * dropped and leave a hole: numbers without a meaning, which every query about them detects (P3). Pure: it knows neither the store
 * nor the log.
 */
export class Journal {
  #runs: Run[];
  /** The same runs, grouped by job. */
  #byJob: Map<JobId, Run[]>;
  #sealed = false;
  #issued = 0;

  constructor(runs: readonly Run[] = []) {
    this.#runs = [...runs];
    this.#byJob = Map.groupBy(runs, ({ job }) => job);
  }

  /** The highest number ever handed to a connection; 0 before the first. Runs may be opened beyond it. */
  get issued(): number {
    return this.#issued;
  }

  /** Marks the numbers up to `seq` as issued: they are about to be handed to a connection, or have been. */
  issue(seq: number): void {
    this.#issued = seq;
  }

  /** The number of runs. */
  get size(): number {
    return this.#runs.length;
  }

  /** The first number of a run, by index. */
  fromOf(index: number): number {
    return this.#runs[index]?.from ?? 0;
  }

  get jobs(): Iterable<JobId> {
    return this.#byJob.keys();
  }

  /** The run that the next record may continue; undefined if it needs a new run. */
  get current(): Run | undefined {
    const { last } = this;
    return this.#sealed || last?.to !== undefined ? undefined : last;
  }

  /** The run with the highest numbers. */
  get last(): Run | undefined {
    return this.#runs.at(-1);
  }

  /** Makes the next commit open a new run, because it is unknown whether the last commit took place (P1). */
  seal(): void {
    this.#sealed = true;
  }

  /** Removes a run that was opened ahead of its first record and may not have been stored. */
  withdraw(run: Run): void {
    if (this.last === run) this.#pop();
    this.seal();
  }

  /** Opens runs. Any run at or after the first one's number was opened ahead of its first record, and is replaced. */
  open(runs: readonly Run[]): void {
    const from = runs[0]?.from;
    if (from === undefined) return;
    while ((this.#runs.at(-1)?.from ?? 0) >= from) this.#pop();
    for (const run of runs) this.#push(run);
    this.#sealed = false;
  }

  /** What a number stands for; undefined if no run covers it. */
  origin(seq: number): Origin | undefined {
    const index = this.#indexOf(seq);
    const run = this.#runs[index];
    const lastSeq = this.#endOf(index);
    if (run === undefined || seq > lastSeq) return undefined;
    const { job, role, said } = run;
    return { job, role, jobSeq: run.jobFrom + (seq - run.from), said, lastSeq };
  }

  /**
   * The contents of the numbers from `from` to `to`, as a replay needs them: runs cut to that range, and the session's own
   * messages. Ends at the first number without a meaning.
   */
  *spans(from: number, to: number): Generator<Span> {
    for (let seq = from; seq <= to; ) {
      const origin = this.origin(seq);
      if (origin === undefined) return;
      const end = Math.min(to, origin.lastSeq);
      const { job, role, jobSeq, said } = origin;
      yield { job, role, jobFrom: jobSeq, count: end - seq + 1, said };
      seq = end + 1;
    }
  }

  /** The runs from the one that covers `from` to the one that covers `to`. */
  *runs(from: number, to: number): Generator<Run> {
    for (let i = Math.max(0, this.#indexOf(from)); i < this.#runs.length; i++) {
      const run = this.#runs[i];
      if (run === undefined || run.from > to) return;
      yield run;
    }
  }

  /**
   * The highest `job_seq` of the job among the issued numbers up to `seq`; 0 if there is none. Repeated deliveries of a record
   * count like the first (R-7.6-5).
   * @param role counts only runs of this role; default: any
   */
  reached(job: JobId, seq = this.#issued, role?: Role): number {
    const last = Math.min(seq, this.#issued);
    let highest = 0;
    for (const run of this.#byJob.get(job) ?? []) {
      if (run.from > last) break;
      if (run.said !== undefined || run.role !== (role ?? run.role)) continue;
      highest = Math.max(highest, run.jobFrom + Math.min(last, this.#lastSeqOf(run)) - run.from);
    }
    return highest;
  }

  /** The highest issued number that stands for a record of this job; 0 if none does. */
  lastRecord(job: JobId): number {
    const run = this.#lastOf(job);
    return run === undefined ? 0 : this.#lastSeqOf(run);
  }

  /** The `job_seq` of the job's last issued record, if that was issued in a run after the number `since`. */
  readSince(job: JobId, since: number): number | undefined {
    const run = this.#lastOf(job);
    if (run === undefined || run.from <= since) return undefined;
    return run.jobFrom + this.#lastSeqOf(run) - run.from;
  }

  /** The highest issued number about this job; 0 if there is none (R-6.6-7). */
  lastNumber(job: JobId): number {
    const run = this.#byJob.get(job)?.findLast(({ from }) => from <= this.#issued);
    return run === undefined ? 0 : this.#lastSeqOf(run);
  }

  /**
   * The role in which the job got its numbers up to `seq`: `owner` if any of them was issued to the owner; undefined without any.
   */
  roleUpTo(job: JobId, seq: number): Role | undefined {
    let role: Role | undefined;
    for (const run of this.#byJob.get(job) ?? []) {
      if (run.from > seq) break;
      role = run.role;
      if (role === "owner") break;
    }
    return role;
  }

  /** The number of runs about this job. */
  count(job: JobId): number {
    return this.#byJob.get(job)?.length ?? 0;
  }

  /** Whether the run holds the last issued records of its job, and so tells how far the session has read it. */
  tellsPlace(run: Run): boolean {
    return this.#lastOf(run.job) === run;
  }

  /** Closes the last run: from now on it records itself how far the numbers went, even if its job is removed. */
  close(): void {
    const issued = this.#issued;
    while ((this.#runs.at(-1)?.from ?? 0) > issued) this.#pop();
    const last = this.#pop();
    if (last !== undefined) this.#push({ ...last, to: Math.min(last.to ?? issued, issued) });
  }

  /**
   * Drops runs, but never the last one, which tells how far the numbers went.
   * @param goes called with each run and the last number that it covers
   * @returns what to store
   */
  trim(goes: (run: Run, lastSeq: number) => boolean): readonly Cut[] {
    const cuts: Cut[] = [];
    const kept: Run[] = [];
    let hole: number | undefined;
    for (const [i, run] of this.#runs.entries()) {
      if (i < this.#runs.length - 1 && goes(run, this.#endOf(i))) {
        hole ??= run.from;
        continue;
      }
      if (hole !== undefined) {
        const before = kept.pop();
        if (before !== undefined)
          kept.push({ ...before, to: Math.min(before.to ?? hole, hole - 1) });
        cuts.push({ from: hole, to: run.from - 1 });
        hole = undefined;
      }
      kept.push(run);
    }
    if (cuts.length > 0) {
      this.#runs = kept;
      this.#byJob = Map.groupBy(kept, ({ job }) => job);
    }
    return cuts;
  }

  /** The last run of the job's records that has issued numbers. */
  #lastOf(job: JobId): Run | undefined {
    return this.#byJob
      .get(job)
      ?.findLast(({ from, said }) => from <= this.#issued && said === undefined);
  }

  #push(run: Run): void {
    this.#runs.push(run);
    const siblings = this.#byJob.get(run.job);
    if (siblings === undefined) this.#byJob.set(run.job, [run]);
    else siblings.push(run);
  }

  #pop(): Run | undefined {
    const run = this.#runs.pop();
    const siblings = run && this.#byJob.get(run.job);
    siblings?.pop();
    if (run !== undefined && siblings?.length === 0) this.#byJob.delete(run.job);
    return run;
  }

  /** The last number issued in a run. */
  #lastSeqOf(run: Run): number {
    return Math.min(this.#issued, this.#endOf(this.#indexOf(run.from)));
  }

  /** The last number that a run covers. */
  #endOf(index: number): number {
    const run = this.#runs[index];
    if (run?.said !== undefined) return run.from;
    const next = this.#runs[index + 1]?.from ?? Number.POSITIVE_INFINITY;
    return Math.min(run?.to ?? Number.POSITIVE_INFINITY, next - 1);
  }

  #indexOf(seq: number): number {
    let low = 0;
    let high = this.#runs.length - 1;
    let found = -1;
    while (low <= high) {
      const middle = (low + high) >> 1;
      if ((this.#runs[middle]?.from ?? Number.POSITIVE_INFINITY) <= seq) {
        found = middle;
        low = middle + 1;
      } else {
        high = middle - 1;
      }
    }
    return found;
  }
}
