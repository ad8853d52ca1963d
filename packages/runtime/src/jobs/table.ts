import { isTerminal, type JobId, type SessionId } from "@arcp/core";
import { TransientMap } from "../transient-map.ts";
import type { Job } from "./job.ts";
import { outcomeOf } from "./job-outcome.ts";

/** Where jobs go that are over. */
export interface FinishedJobs {
  /** Told of every job whose end is durable. */
  readonly finished: (job: Job) => void;
  /** Told of every job that lost its log, whose end the index did not take, or of which its parent's log perhaps does not tell. */
  readonly lost: (job: Job) => void;
}

/** The jobs that run, until their end is durable; what is known of finished ones is in the store. */
export class JobTable {
  readonly #jobs = new TransientMap<JobId, Job>();
  readonly #finished: FinishedJobs;
  /** Finished ones that are about to be gone from the store. */
  readonly #leaving = new Set<JobId>();
  /** How many are about to follow a job, of those whom it has to wait for. */
  readonly #expected = new Map<JobId, number>();
  #onAdd: ((job: Job) => void) | undefined;

  constructor(finished: FinishedJobs) {
    this.#finished = finished;
  }

  /** The job runs from now on, and ends once for its observer (O2). @param leave gives its place back, once its end is durable */
  add(job: Job, leave: () => void): void {
    this.#jobs.set(job.id, job);
    this.#onAdd?.(job);
    void job.ended.then(async () => {
      job.observed?.ended(outcomeOf(job));
      const { announced } = job.family;
      if (announced !== undefined) await announced;
      // What became of a lost job stands nowhere but here; a suspended one is the next process's.
      if (job.lost || job.family.isInDoubt) this.#finished.lost(job);
      else if (isTerminal(job.status)) this.finish(job);
      leave();
    });
  }

  /** The end of the job is durable, and known from the store. */
  finish(job: Job): void {
    this.#jobs.delete(job.id);
    this.#finished.finished(job);
  }

  /** The job was never accepted, and nothing of it is kept. */
  forget(job: Job): void {
    this.#jobs.delete(job.id);
  }

  /** Calls `visit` with every job that runs and, from now on, every one that begins to. */
  each(visit: (job: Job) => void): void {
    this.#onAdd = visit;
    for (const job of [...this.#jobs.values()]) visit(job);
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
