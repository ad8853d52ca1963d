import type { JobId } from "@arcp/core";
import type { Cut, Role, Run } from "../store/index.ts";

/** Where a number of the session's stream comes from. */
export interface Origin {
  readonly job: JobId;
  readonly role: Role;
  readonly jobSeq: number;
  /** What stands there in place of the record: the session said it itself. */
  readonly said: string | undefined;
  /** The last number that this run can cover: the next run begins behind it. Infinite for the last run of records. */
  readonly lastSeq: number;
}

/** Consecutive numbers and the consecutive records that they mean; or one number, and what the session said under it. */
export interface Span {
  readonly job: JobId;
  readonly role: Role;
  readonly jobFrom: number;
  readonly count: number;
  readonly said: string | undefined;
}

/**
 * Which record every number of a session's stream belongs to, and how far the numbers go: open runs, ascending, dense from
 * 1, and between them the few things that the session said itself, a number each. Runs that nobody can ask for any more go,
 * and leave a hole: numbers without a meaning, which every question about them comes across (P3). Pure; it knows neither the
 * store nor the log.
 */
export class Journal {
  #runs: Run[];
  /** The same runs, job by job. */
  #byJob: Map<JobId, Run[]>;
  #sealed = false;
  #issued = 0;

  constructor(runs: readonly Run[] = []) {
    this.#runs = [...runs];
    this.#byJob = Map.groupBy(runs, ({ job }) => job);
  }

  /** The highest number that was ever handed to a connection; 0 before the first. Behind it runs may be opened ahead. */
  get issued(): number {
    return this.#issued;
  }

  /** The numbers up to `seq` are about to be handed to a connection, or were. */
  issue(seq: number): void {
    this.#issued = seq;
  }

  /** How many runs it holds. */
  get size(): number {
    return this.#runs.length;
  }

  /** The first number of a run, by its place among the runs. */
  fromOf(index: number): number {
    return this.#runs[index]?.from ?? 0;
  }

  get jobs(): Iterable<JobId> {
    return this.#byJob.keys();
  }

  /** The run that a further record may continue; undefined when only a new run will do. */
  get current(): Run | undefined {
    const { last } = this;
    return this.#sealed || last?.to !== undefined ? undefined : last;
  }

  /** The run with the highest numbers. */
  get last(): Run | undefined {
    return this.#runs.at(-1);
  }

  /** Nobody knows whether the last commit of runs took place: the next one has to say again what holds (P1). */
  seal(): void {
    this.#sealed = true;
  }

  /** A run that was opened ahead of its first record may not be stored. */
  withdraw(run: Run): void {
    if (this.last === run) this.#pop();
    this.seal();
  }

  /** Opens runs. One at the same number replaces the run that was opened there ahead of its first record. */
  open(runs: readonly Run[]): void {
    const from = runs[0]?.from;
    if (from === undefined) return;
    while ((this.#runs.at(-1)?.from ?? 0) >= from) this.#pop();
    for (const run of runs) this.#push(run);
    this.#sealed = false;
  }

  /** What stands under a number; undefined when no run reaches it. */
  origin(seq: number): Origin | undefined {
    const index = this.#indexOf(seq);
    const run = this.#runs[index];
    const lastSeq = this.#endOf(index);
    if (run === undefined || seq > lastSeq) return undefined;
    const { job, role, said } = run;
    return { job, role, jobSeq: run.jobFrom + (seq - run.from), said, lastSeq };
  }

  /**
   * The runs that hold numbers from `from` to `to`, each cut to that range, as the records that they stand for, or what
   * the session said there: what a replay needs. Ends at the first number that means nothing.
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

  /** The runs that begin from the one that reaches `from` to the one that reaches `to`. */
  *runs(from: number, to: number): Generator<Run> {
    for (let i = Math.max(0, this.#indexOf(from)); i < this.#runs.length; i++) {
      const run = this.#runs[i];
      if (run === undefined || run.from > to) return;
      yield run;
    }
  }

  /**
   * The highest `job_seq` of a job that has an issued number at or below `seq`; 0 when none has. Runs of a second delivery of
   * the same records count like the first (R-7.6-5).
   * @param role of the runs that count; default any
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

  /** The highest issued number that stands for a record of this job; 0 when none does. */
  lastRecord(job: JobId): number {
    const run = this.#lastOf(job);
    return run === undefined ? 0 : this.#lastSeqOf(run);
  }

  /** The `job_seq` of the job's last record that was issued; undefined when none was behind the number `since`. */
  readSince(job: JobId, since: number): number | undefined {
    const run = this.#lastOf(job);
    if (run === undefined || run.from <= since) return undefined;
    return run.jobFrom + this.#lastSeqOf(run) - run.from;
  }

  /** The highest issued number that is about this job; 0 when none is (R-6.6-7). */
  lastNumber(job: JobId): number {
    const run = this.#byJob.get(job)?.findLast(({ from }) => from <= this.#issued);
    return run === undefined ? 0 : this.#lastSeqOf(run);
  }

  /** Whether the job has a number at or below `seq`: `owner` where one of them was given to that. */
  roleUpTo(job: JobId, seq: number): Role | undefined {
    let role: Role | undefined;
    for (const run of this.#byJob.get(job) ?? []) {
      if (run.from > seq) break;
      role = run.role;
      if (role === "owner") break;
    }
    return role;
  }

  /** How many runs are about this job. */
  count(job: JobId): number {
    return this.#byJob.get(job)?.length ?? 0;
  }

  /** Whether the run holds the last records of its job that were numbered: it tells how far the session has read there. */
  tellsPlace(run: Run): boolean {
    return this.#lastOf(run.job) === run;
  }

  /** Nothing is numbered by the last run any more: it says itself how far the numbers went, whatever becomes of its job. */
  close(): void {
    const issued = this.#issued;
    while ((this.#runs.at(-1)?.from ?? 0) > issued) this.#pop();
    const last = this.#pop();
    if (last !== undefined) this.#push({ ...last, to: Math.min(last.to ?? issued, issued) });
  }

  /**
   * Lets go of runs, but never of the last one, which holds how far the numbers went.
   * @param goes asked for each run and the last number that it covers
   * @returns what has to be stored for it
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

  /** The last run of a job's records under which anything was issued. */
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

  /** The last number that was issued under a run. */
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
