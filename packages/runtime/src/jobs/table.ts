import { isTerminal, type JobId, type SessionId } from "@arcp/core";
import { TransientMap } from "../transient-map.ts";
import type { Job } from "./job.ts";
import { outcomeOf } from "./job-outcome.ts";

/** Who is told what has become of jobs. */
export interface JobsTold {
  /** Of every job whose end is durable. */
  readonly finished: (job: Job) => void;
  /** Of every job that lost its log, or whose end the index did not take. */
  readonly lost: (job: Job) => void;
}

/** The jobs that run, until their end is durable; what is known of finished ones is in the store. */
export class JobTable {
  readonly #jobs = new TransientMap<JobId, Job>();
  /** Places that are taken, by principal. */
  readonly #places = new Map<string, number>();
  readonly #perPrincipal: number;
  readonly #told: JobsTold;
  /** Finished ones that are about to be gone from the store. */
  readonly #leaving = new Set<JobId>();
  /** How many are about to follow a job, of those whom it has to wait for. */
  readonly #expected = new Map<JobId, number>();
  #onEmpty: Array<() => void> = [];
  #onAdd: ((job: Job) => void) | undefined;

  /**
   * @param perPrincipal jobs that one principal may have running at a time
   */
  constructor(perPrincipal: number, told: JobsTold) {
    this.#perPrincipal = perPrincipal;
    this.#told = told;
  }

  /** Takes a place for a job of this principal (R-7.1-5). @returns gives it back; undefined when there is none left */
  reserve(principal: string): (() => void) | undefined {
    const taken = this.#places.get(principal) ?? 0;
    return taken < this.#perPrincipal ? this.take(principal) : undefined;
  }

  /** Takes a place even if there is none left, for a job that was accepted before. @returns gives it back */
  take(principal: string): () => void {
    this.#places.set(principal, (this.#places.get(principal) ?? 0) + 1);
    return () => {
      const left = (this.#places.get(principal) ?? 0) - 1;
      if (left > 0) this.#places.set(principal, left);
      else this.#places.delete(principal);
      if (this.#places.size > 0) return;
      for (const emptied of this.#onEmpty.splice(0)) emptied();
    };
  }

  /** The job runs from now on. @param leave gives its place back, once its end is durable */
  add(job: Job, leave: () => void): void {
    this.#jobs.set(job.id, job);
    this.#onAdd?.(job);
    void job.ended.then(() => {
      job.observed?.ended(outcomeOf(job));
      // What became of a lost job stands nowhere but here; a suspended one is the next process's.
      if (job.lost) this.#told.lost(job);
      else if (isTerminal(job.status)) this.finish(job);
      leave();
    });
  }

  /** The end of the job is durable, and known from the store. */
  finish(job: Job): void {
    this.#jobs.delete(job.id);
    this.#told.finished(job);
  }

  /** Calls `visit` with every job that runs and, from now on, every one that begins to. */
  each(visit: (job: Job) => void): void {
    this.#onAdd = visit;
    for (const job of [...this.#jobs.values()]) visit(job);
  }

  /** Resolves once no place is taken: no job runs, and none is being accepted. */
  emptied(): Promise<void> {
    if (this.#places.size === 0) return Promise.resolve();
    return new Promise((resolve) => this.#onEmpty.push(resolve));
  }

  get(id: JobId): Job | undefined {
    return this.#jobs.get(id);
  }

  /**
   * Somebody who was told of a job is about to follow it: it is not removed before.
   * @returns called once they follow it, or will not
   */
  expect(id: JobId): () => void {
    this.#expected.set(id, (this.#expected.get(id) ?? 0) + 1);
    return () => {
      const left = (this.#expected.get(id) ?? 0) - 1;
      if (left > 0) this.#expected.set(id, left);
      else this.#expected.delete(id);
    };
  }

  /** Whether somebody is about to follow it. */
  isExpected(id: JobId): boolean {
    return this.#expected.has(id);
  }

  /** Removes a finished job from the store, a step at a time: to whoever asks for it meanwhile it is gone already. */
  async removing(id: JobId, remove: () => Promise<void>): Promise<void> {
    this.#leaving.add(id);
    try {
      await remove();
    } finally {
      this.#leaving.delete(id);
    }
  }

  /** Whether a finished job is being removed: nobody may begin to follow it, who would wait for its end for ever. */
  isLeaving(id: JobId): boolean {
    return this.#leaving.has(id);
  }

  /** Whether a job runs that this session submitted or owns. */
  has(session: SessionId): boolean {
    for (const job of this.#jobs.values()) {
      if (job.session === session || job.submittedIn === session) return true;
    }
    return false;
  }

  /** The sessions that own a job that runs. */
  owners(): ReadonlySet<SessionId> {
    return new Set([...this.#jobs.values()].map(({ session }) => session));
  }

  [Symbol.iterator](): Iterator<Job> {
    return this.#jobs.values();
  }
}
