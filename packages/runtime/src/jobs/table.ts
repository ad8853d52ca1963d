import { isTerminal, type JobId, type SessionId } from "@arcp/core";
import { TransientMap } from "../transient-map.ts";
import type { Adopted } from "./family.ts";
import type { Job } from "./job.ts";
import { JobCounts } from "./job-counts.ts";
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
  /** Of them those that each session owns, and those that it submitted: nobody goes through all for the sake of one session. */
  readonly #owned = new JobCounts();
  readonly #submitted = new JobCounts();
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
    this.#owned.add(job.session, 1);
    this.#submitted.add(job.submittedIn, 1);
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
    this.forget(job);
    this.#finished.finished(job);
  }

  /** The job was never accepted, and nothing of it is kept. */
  forget(job: Job): void {
    if (!this.#jobs.delete(job.id)) return;
    this.#owned.add(job.session, -1);
    this.#submitted.add(job.submittedIn, -1);
  }

  /**
   * Another session owns a job from now on, if it runs, and with it what the job has delegated.
   * @param isThere whether a session is still there: what that owns it keeps
   * @returns the descendants that have a new owner: the caller writes that down
   */
  adopt(
    id: JobId,
    session: SessionId,
    isThere: (session: SessionId) => boolean,
  ): readonly Adopted[] {
    const job = this.#jobs.get(id);
    if (job === undefined) return [];
    const from = job.session;
    const below = job.family.adopt(session, isThere);
    for (const adopted of [{ id, from }, ...below]) {
      // One that is still being accepted counts with its new owner from then on.
      if (!this.#jobs.has(adopted.id)) continue;
      this.#owned.add(adopted.from, -1);
      this.#owned.add(session, 1);
    }
    return below;
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
    return this.isOwner(session) || this.#submitted.has(session);
  }

  /** Whether a job runs that this session owns. */
  isOwner(session: SessionId): boolean {
    return this.#owned.has(session);
  }

  [Symbol.iterator](): Iterator<Job> {
    return this.#jobs.values();
  }
}
