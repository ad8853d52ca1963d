import { isTerminal, type JobId, type SessionId } from "@arcp/core";
import type { EffectiveLimits } from "../limits.ts";
import { TransientMap } from "../transient-map.ts";
import type { Job } from "./job.ts";
import { outcomeOf } from "./job-outcome.ts";

/** Where jobs go that are over. */
export interface FinishedJobs {
  /** Told of every job whose end is durable. */
  readonly finished: (job: Job) => void;
  /** Told of every job that lost its log, whose end the index did not take, or of which its parent's log perhaps does not tell. */
  readonly lost: (job: Job) => void;
  /** Asked whether a principal has too many that cannot leave. */
  readonly isFull: (principal: string) => boolean;
}

/** What bounds the jobs that one principal may have running at a time. */
export type LiveLimits = Pick<
  EffectiveLimits,
  "liveJobsPerPrincipal" | "liveInputCharactersPerPrincipal"
>;

/** The limit that one more would exceed, as a refusal calls it. */
export type Shortage =
  | "live_jobs_per_principal"
  | "live_input_characters_per_principal"
  | "finished_jobs_per_principal";

/** What the jobs of a principal take of them. */
interface Share {
  readonly jobs: number;
  readonly characters: number;
}

const NOTHING: Share = { jobs: 0, characters: 0 };

/** The jobs that run, until their end is durable; what is known of finished ones is in the store. */
export class JobTable {
  readonly #jobs = new TransientMap<JobId, Job>();
  /** What is taken, by principal. */
  readonly #shares = new Map<string, Share>();
  readonly #limits: LiveLimits;
  readonly #finished: FinishedJobs;
  /** Finished ones that are about to be gone from the store. */
  readonly #leaving = new Set<JobId>();
  /** How many are about to follow a job, of those whom it has to wait for. */
  readonly #expected = new Map<JobId, number>();
  #onEmpty: Array<() => void> = [];
  #onAdd: ((job: Job) => void) | undefined;

  constructor(limits: LiveLimits, finished: FinishedJobs) {
    this.#limits = limits;
    this.#finished = finished;
  }

  /**
   * Takes a place for a job of this principal, and room for its input, if it may be kept when it is over (R-7.1-5).
   * @param characters of its input, as JSON
   * @returns gives both back; or why there is none left
   */
  reserve(principal: string, characters: number): (() => void) | Shortage {
    const taken = this.#shares.get(principal) ?? NOTHING;
    const { liveJobsPerPrincipal, liveInputCharactersPerPrincipal } = this.#limits;
    if (taken.jobs >= liveJobsPerPrincipal) return "live_jobs_per_principal";
    if (taken.characters + characters > liveInputCharactersPerPrincipal) {
      return "live_input_characters_per_principal";
    }
    if (this.#finished.isFull(principal)) return "finished_jobs_per_principal";
    return this.take(principal, characters);
  }

  /** As {@link reserve}, even if there is no room left, for a job that was accepted before. @returns gives it back */
  take(principal: string, characters: number): () => void {
    this.#change(principal, 1, characters);
    return () => {
      this.#change(principal, -1, -characters);
      if (this.#shares.size > 0) return;
      for (const emptied of this.#onEmpty.splice(0)) emptied();
    };
  }

  #change(principal: string, jobs: number, characters: number): void {
    const taken = this.#shares.get(principal) ?? NOTHING;
    const next = { jobs: taken.jobs + jobs, characters: taken.characters + characters };
    if (next.jobs > 0) this.#shares.set(principal, next);
    else this.#shares.delete(principal);
  }

  /** The job runs from now on, and ends once for its observer (O2). @param leave gives its place back, once its end is durable */
  add(job: Job, leave: () => void): void {
    this.#jobs.set(job.id, job);
    this.#onAdd?.(job);
    void job.ended.then(async () => {
      job.observed?.ended(outcomeOf(job));
      if (job.told !== undefined) await job.told;
      // What became of a lost job stands nowhere but here; a suspended one is the next process's.
      if (job.lost || job.untold) this.#finished.lost(job);
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

  /** Resolves once no place is taken: no job runs, and none is being accepted. */
  emptied(): Promise<void> {
    if (this.#shares.size === 0) return Promise.resolve();
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
