import type { JobId } from "@arcp/core";
import type { Role, Run } from "../store/index.ts";

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
 * Which record every number of a session's stream belongs to: open runs, ascending, dense from 1, and between them the
 * few things that the session said itself, a number each. Pure; it knows neither the store nor the log.
 */
export class Journal {
  #runs: Run[];
  #sealed = false;

  constructor(runs: readonly Run[] = []) {
    this.#runs = [...runs];
  }

  /** The run that a further record may continue; undefined when only a new run will do. */
  get current(): Run | undefined {
    return this.#sealed ? undefined : this.#runs.at(-1);
  }

  /** Nobody knows whether the last commit of runs took place: the next one has to say again what holds (P1). */
  seal(): void {
    this.#sealed = true;
  }

  /** Opens runs. One at the same number replaces the run that was opened there ahead of its first record. */
  open(runs: readonly Run[]): void {
    const from = runs[0]?.from;
    if (from === undefined) return;
    while ((this.#runs.at(-1)?.from ?? 0) >= from) this.#runs.pop();
    this.#runs.push(...runs);
    this.#sealed = false;
  }

  /** What stands under a number; undefined when no run reaches it. */
  origin(seq: number): Origin | undefined {
    const index = this.#indexOf(seq);
    const run = this.#runs[index];
    if (run === undefined || (run.said !== undefined && seq > run.from)) return undefined;
    const next = this.#runs[index + 1];
    return {
      job: run.job,
      role: run.role,
      jobSeq: run.jobFrom + (seq - run.from),
      said: run.said,
      lastSeq: run.said === undefined ? (next?.from ?? Number.POSITIVE_INFINITY) - 1 : seq,
    };
  }

  /**
   * The runs that hold numbers from `from` to `to`, each cut to that range, as the records that they stand for, or what
   * the session said there: what a replay needs.
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

  /**
   * The highest `job_seq` of a job that has a number at or below `seq`; 0 when none has. Runs of a second delivery of
   * the same records count like the first (R-7.6-5).
   */
  reached(job: JobId, seq: number, issued: number): number {
    let highest = 0;
    for (const [i, run] of this.#runs.entries()) {
      if (run.from > Math.min(seq, issued)) break;
      if (run.job !== job || run.said !== undefined) continue;
      const end = Math.min(seq, issued, (this.#runs[i + 1]?.from ?? Number.POSITIVE_INFINITY) - 1);
      highest = Math.max(highest, run.jobFrom + end - run.from);
    }
    return highest;
  }

  /** The highest number at or below `issued` of every job that has one (R-6.6-7). */
  lastNumbers(issued: number): Map<JobId, number> {
    const numbers = new Map<JobId, number>();
    for (const [i, { job, from, said }] of this.#runs.entries()) {
      if (from > issued) break;
      const next = this.#runs[i + 1]?.from ?? Number.POSITIVE_INFINITY;
      numbers.set(job, said === undefined ? Math.min(issued, next - 1) : from);
    }
    return numbers;
  }

  /** The run that stands behind the last number that was ever issued; undefined when none was. */
  close(issued: number): Run | undefined {
    const last = this.origin(issued);
    return last && { from: issued + 1, job: last.job, jobFrom: last.jobSeq + 1, role: last.role };
  }

  /** The jobs of its own that have a number at or below `seq`. */
  ownedUpTo(seq: number): Set<JobId> {
    const jobs = new Set<JobId>();
    for (const run of this.#runs) {
      if (run.from > seq) break;
      if (run.role === "owner") jobs.add(run.job);
    }
    return jobs;
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
