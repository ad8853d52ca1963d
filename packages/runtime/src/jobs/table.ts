import { type ArcpError, isTerminal, type JobId, type SessionId } from "@arcp/core";
import type { Figures } from "../observer.ts";
import { TransientMap } from "../transient-map.ts";
import { stranded, takenOver } from "./ending.ts";
import type { Adopted } from "./family.ts";
import type { Job } from "./job.ts";
import { JobCounts } from "./job-counts.ts";
import { outcomeOf } from "./job-outcome.ts";

/** Where finished jobs go. */
export interface FinishedJobs {
  /** Called with every job whose end is durable. */
  readonly finished: (job: Job) => void;
  /** Called with every job that lost its log, whose end the index did not take, or that its parent's log may not announce. */
  readonly lost: (job: Job) => void;
}

interface OwnedJob {
  readonly id: JobId;
  readonly session: SessionId;
}

interface Stranded {
  /** Whether another runtime has taken it over, so that it is not recovered here. */
  isTakenOver: boolean;
  /** The session that owns it. */
  owner: SessionId;
  /** Whether that session has adopted it since, perhaps after its row was read. */
  isAdopted: boolean;
  readonly recovered: PromiseWithResolvers<void>;
}

/** The live jobs, until their end is durable. Finished ones are in the store. */
export class JobTable {
  readonly #jobs = new TransientMap<JobId, Job>();
  /** Live jobs by owner, stranded ones included, and by submitter, so that questions about one session need not look at all jobs. */
  readonly #owned = new JobCounts();
  readonly #submitted = new JobCounts();
  readonly #finished: FinishedJobs;
  /** Finished jobs that are being removed from the store. */
  readonly #leaving = new Set<JobId>();
  /** Unfinished jobs that this runtime does not run. */
  readonly #stranded = new Map<JobId, Stranded>();
  /** How many clients are about to follow a job, which must be kept for them. */
  readonly #expected = new Map<JobId, number>();
  #onAdd: ((job: Job) => void) | undefined;

  constructor(finished: FinishedJobs) {
    this.#finished = finished;
  }

  /** Adds a live job, and ends it once for its observer (O2). @param leave releases its slot, once its end is durable */
  add(job: Job, leave: () => void): void {
    this.#jobs.set(job.id, job);
    this.#owned.add(job.session, 1);
    this.#submitted.add(job.submittedIn, 1);
    this.#onAdd?.(job);
    void job.ended.then(async () => {
      job.observed?.ended(outcomeOf(job));
      const { announced } = job.family;
      if (announced !== undefined) await announced;
      // Only this process knows the end of a lost job; a suspended one belongs to the next process.
      if (job.lost || job.family.isInDoubt) this.#finished.lost(job);
      else if (isTerminal(job.status)) this.finish(job);
      leave();
    });
  }

  /** The end of the job is durable; from now on the store answers for it. */
  finish(job: Job): void {
    this.forget(job);
    this.#finished.finished(job);
  }

  /** Drops a job that was never accepted and of which nothing is kept. */
  forget(job: Job): void {
    if (!this.#jobs.delete(job.id)) return;
    this.#owned.add(job.session, -1);
    this.#submitted.add(job.submittedIn, -1);
  }

  /**
   * Makes another session the owner of a live job and of what it has delegated, or of a stranded one once it is recovered.
   * @param isThere whether a session still exists, which then keeps its jobs
   * @returns the descendants that change their owner, for the caller to store
   */
  adopt(
    id: JobId,
    session: SessionId,
    isThere: (session: SessionId) => boolean,
  ): readonly Adopted[] {
    const found = this.#stranded.get(id);
    if (found !== undefined) {
      this.#move(found.owner, session);
      found.owner = session;
      found.isAdopted = true;
    }
    const job = this.#jobs.get(id);
    if (job === undefined) return [];
    const from = job.session;
    const below = job.family.adopt(session, isThere);
    for (const adopted of [{ id, from }, ...below]) {
      // A job that is still being accepted is counted for its new owner when it is added.
      if (!this.#jobs.has(adopted.id)) continue;
      this.#move(adopted.from, session);
    }
    return below;
  }

  /** Counts a job for its new owner. */
  #move(from: SessionId, to: SessionId): void {
    this.#owned.add(from, -1);
    this.#owned.add(to, 1);
  }

  /** Calls `visit` with every live job and every one that is added from now on. */
  each(visit: (job: Job) => void): void {
    this.#onAdd = visit;
    for (const job of [...this.#jobs.values()]) visit(job);
  }

  get(id: JobId): Job | undefined {
    return this.#jobs.get(id);
  }

  /**
   * Keeps a job from being removed while a client that was told of it is about to follow it.
   * @returns to be called once the client follows it, or will not
   */
  expect(id: JobId): () => void {
    this.#expected.set(id, (this.#expected.get(id) ?? 0) + 1);
    return () => {
      const left = (this.#expected.get(id) ?? 0) - 1;
      if (left > 0) this.#expected.set(id, left);
      else this.#expected.delete(id);
    };
  }

  /** Whether any client is about to follow the job. */
  isExpected(id: JobId): boolean {
    return this.#expected.has(id);
  }

  /** Removes a finished job from the store, which takes several steps. Lookups treat it as gone from now on. */
  async removing(id: JobId, remove: () => Promise<void>): Promise<void> {
    this.#leaving.add(id);
    try {
      await remove();
    } finally {
      this.#leaving.delete(id);
    }
  }

  /** Whether a finished job is being removed. Nobody may begin to follow it, or they would wait for its end for ever. */
  isLeaving(id: JobId): boolean {
    return this.#leaving.has(id);
  }

  /**
   * Notes that an unfinished job of the store is not run here, because it could not be recovered yet, or another runtime has taken
   * it over. It exists, so its key is used, it can be watched, and the session that owns it waits for its end.
   */
  strand({ id, session }: OwnedJob, isTakenOver = false): void {
    const found = this.#stranded.get(id);
    if (found !== undefined) {
      found.isTakenOver = isTakenOver;
      return;
    }
    const recovered = Promise.withResolvers<void>();
    this.#stranded.set(id, { isTakenOver, owner: session, isAdopted: false, recovered });
    this.#owned.add(session, 1);
  }

  /** The job is recovered at last. @returns the session that has adopted it meanwhile, perhaps after its row was read for that */
  unstrand(id: JobId): SessionId | undefined {
    const found = this.#stranded.get(id);
    if (found === undefined) return undefined;
    this.#stranded.delete(id);
    this.#owned.add(found.owner, -1);
    found.recovered.resolve();
    return found.isAdopted ? found.owner : undefined;
  }

  isStranded(id: JobId): boolean {
    return this.#stranded.has(id);
  }

  /** The error for a request that only the runtime of a job can carry out; undefined if the job is not stranded. */
  refusal(id: JobId): ArcpError | undefined {
    const found = this.#stranded.get(id);
    return found && (found.isTakenOver ? takenOver(id) : stranded(id));
  }

  /** Resolves once the stranded job is recovered, which may be never; undefined if it is not stranded. */
  recovered(id: JobId): Promise<void> | undefined {
    return this.#stranded.get(id)?.recovered.promise;
  }

  /** Whether this session submitted a live job, or owns one, perhaps a stranded one. */
  has(session: SessionId): boolean {
    return this.isOwner(session) || this.#submitted.has(session);
  }

  /** Whether this session owns a job that is live or stranded. */
  isOwner(session: SessionId): boolean {
    return this.#owned.has(session);
  }

  [Symbol.iterator](): Iterator<Job> {
    return this.#jobs.values();
  }

  count(): Figures["jobs"] {
    const live = [...this].filter((job) => job.live);
    const running = live.filter(({ status }) => status === "running").length;
    return { pending: live.length - running, running };
  }
}
