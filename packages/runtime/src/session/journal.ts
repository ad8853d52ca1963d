import type { JobId } from "@arcp/core";
import type { Role, Run } from "../store/index.ts";

/** Where a number of the session's stream comes from. */
export interface Origin {
  readonly job: JobId;
  readonly role: Role;
  readonly jobSeq: number;
  /** The last number that this run can cover: the next run begins behind it. Infinite for the last run. */
  readonly lastSeq: number;
}

/**
 * Which record every number of a session's stream belongs to: open runs, ascending, dense from 1. Pure; it knows
 * neither the store nor the log.
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

  /** The record behind a number; undefined when no run reaches down to it. */
  origin(seq: number): Origin | undefined {
    const index = this.#indexOf(seq);
    const run = this.#runs[index];
    if (run === undefined) return undefined;
    const next = this.#runs[index + 1];
    return {
      job: run.job,
      role: run.role,
      jobSeq: run.jobFrom + (seq - run.from),
      lastSeq: next === undefined ? Number.POSITIVE_INFINITY : next.from - 1,
    };
  }

  /**
   * The runs that hold numbers from `from` to `to`, each cut to that range, as the records that they stand for: what a
   * replay needs.
   */
  *spans(
    from: number,
    to: number,
  ): Generator<{ job: JobId; role: Role; jobFrom: number; count: number }> {
    for (let seq = from; seq <= to; ) {
      const origin = this.origin(seq);
      if (origin === undefined) return;
      const end = Math.min(to, origin.lastSeq);
      yield { job: origin.job, role: origin.role, jobFrom: origin.jobSeq, count: end - seq + 1 };
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
      if (run.job !== job) continue;
      const end = Math.min(seq, issued, (this.#runs[i + 1]?.from ?? Number.POSITIVE_INFINITY) - 1);
      highest = Math.max(highest, run.jobFrom + end - run.from);
    }
    return highest;
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
