import type { Clock, JobId, SessionId, Timer } from "@arcp/core";
import type { Lineage } from "../lineage.ts";
import type { Turn } from "../turn.ts";
import { DueQueue } from "./due-queue.ts";
import { type KeptJob, KeptJobs } from "./kept-jobs.ts";

/** Milliseconds after which a job that is still being read, or could not be removed, is checked again. */
const RECHECK = 10_000;

/** The minimum for jobs above the limit, plus so much for each held job, because checking many takes time. */
const RECHECK_SURPLUS = { least: 1000, each: 0.1 };

/** A job counts once more per so many characters: a few large leases and results take as much space as many small ones. */
const CHARACTERS = 8192;

/** The most due jobs checked at a time, so that other work runs in between, and removed at a time: a store may be slow, or down. */
const AT_ONCE = 64;

/** The same for jobs above the limit. No more can end per turn, which is limited to as many records. */
const SURPLUS_AT_ONCE = 256;

/** A job that has ended. */
export interface EndedJob {
  readonly id: JobId;
  /** Who submitted it; undefined if that cannot be read, so that it counts for nobody. */
  readonly principal: string | undefined;
  /** The session that owns it; undefined if that cannot be read. */
  readonly session: SessionId | undefined;
  /** Before this time it is not removed; in milliseconds on the monotonic clock. */
  readonly keepUntil?: number | undefined;
  readonly lineage: Lineage;
  /** Characters that are kept for as long as the job is: its lease, and its last record if known. */
  readonly size: number;
}

export interface RetentionOptions {
  readonly clock: Clock;
  readonly turn: Pick<Turn, "next">;
  /** How long a finished job is kept, in milliseconds. */
  readonly ms: number;
  /** The most finished jobs of one principal (R-14-2). */
  readonly most: number;
  /** How many more there may be that cannot be removed. */
  readonly excess: number;
  /** Whether somebody still holds a job whose time is over; it is kept until nobody does (R-14-3). */
  readonly held: (job: Candidate) => boolean;
  /** Whether somebody still has to read a job that is above the limit; then another one is removed instead. */
  readonly read: (job: Candidate) => boolean;
  /** Removes a job; must not reject. @returns whether it is gone; otherwise the removal is retried a little later */
  readonly remove: (job: Candidate) => Promise<boolean>;
}

/** What decides whether a job may be removed. */
type Candidate = Pick<EndedJob, "id" | "session" | "lineage">;

/**
 * Keeps finished jobs for the retention time, with one timer for all, and only a limited number per principal: above it, the job
 * that ended first is removed as if its time were over. The cost per job does not depend on the number of jobs.
 */
export class Retention {
  readonly #options: RetentionOptions;
  readonly #waiting = new DueQueue<KeptJob>();
  readonly #byPrincipal = new Map<string, KeptJobs>();
  /** Jobs whose principal cannot be read; no limit applies to them. */
  readonly #ofUnknown = new KeptJobs(undefined);
  /** Principals above the limit, as long as some of their jobs may be removed. */
  readonly #surplus = new Set<KeptJobs>();
  #isTrimming = false;
  /** How many due jobs are being removed. */
  #removing = 0;
  #timer: Timer | undefined;
  #armedFor = Number.POSITIVE_INFINITY;
  #closed = false;

  constructor(options: RetentionOptions) {
    this.#options = options;
  }

  /**
   * Starts the retention of a job that has ended.
   * @param age milliseconds since it ended
   */
  keep(job: EndedJob, age = 0): void {
    const { clock, ms } = this.#options;
    const now = clock.monotonic();
    const kept = this.#add(job, now + Math.max(0, ms - age));
    const { keepUntil = now } = job;
    if (keepUntil > now) this.#hold(kept, keepUntil - now);
    else this.#queue(kept);
    this.#trim(kept.siblings);
    this.#arm();
  }

  /** Removes a job regardless of who holds it, because it is half removed already. */
  dismiss(job: EndedJob): void {
    void this.#remove(this.#add(job, Number.POSITIVE_INFINITY));
  }

  /** Whether a principal has too many jobs that cannot be removed. */
  isFull(principal: string): boolean {
    const jobs = this.#byPrincipal.get(principal);
    if (jobs === undefined) return false;
    const { most, excess } = this.#options;
    return jobs.held + jobs.leaving >= most + excess;
  }

  close(): void {
    this.#closed = true;
    this.#timer?.cancel();
  }

  #add({ id, principal, session, lineage, size }: EndedJob, end: number): KeptJob {
    const siblings = this.#of(principal);
    const job: KeptJob = {
      id,
      session,
      lineage,
      end,
      weight: 1 + Math.floor(size / CHARACTERS),
      siblings,
      isInLine: false,
      isLeaving: false,
      before: undefined,
      behind: undefined,
      due: end,
      place: -1,
    };
    siblings.add(job);
    return job;
  }

  #of(principal: string | undefined): KeptJobs {
    if (principal === undefined) return this.#ofUnknown;
    const known = this.#byPrincipal.get(principal);
    if (known !== undefined) return known;
    const jobs = new KeptJobs(principal);
    this.#byPrincipal.set(principal, jobs);
    return jobs;
  }

  /** Queues a job that is not known to be held. */
  #queue(job: KeptJob): void {
    job.siblings.queue(job);
    this.#waiting.add(job.end, job);
  }

  /** Checks the job again after a pause. */
  #hold(job: KeptJob, pause: number): void {
    job.siblings.hold(job);
    this.#waiting.add(this.#options.clock.monotonic() + pause, job);
  }

  async #remove(job: KeptJob): Promise<void> {
    const { siblings } = job;
    siblings.leave(job);
    this.#waiting.delete(job);
    if (!(await this.#options.remove(job))) {
      this.#hold(job, RECHECK);
      this.#arm();
      return;
    }
    siblings.gone(job);
    const { principal } = siblings;
    if (siblings.isEmpty && principal !== undefined) this.#byPrincipal.delete(principal);
  }

  #arm(): void {
    const { next } = this.#waiting;
    if (next === undefined || next >= this.#armedFor || this.#closed) return;
    if (this.#removing >= AT_ONCE) return;
    this.#timer?.cancel();
    this.#armedFor = next;
    const { clock } = this.#options;
    this.#timer = clock.after(next - clock.monotonic(), () => this.#sweep());
  }

  #sweep(): void {
    this.#armedFor = Number.POSITIVE_INFINITY;
    const { clock, ms, held, read } = this.#options;
    for (const job of this.#waiting.take(clock.monotonic(), AT_ONCE - this.#removing)) {
      const isOver = job.end <= clock.monotonic();
      if (!isOver && !job.isLeaving) this.#queue(job);
      else if (isOver ? held(job) : read(job)) this.#hold(job, Math.min(ms, RECHECK));
      else void this.#removeDue(job);
      this.#trim(job.siblings);
    }
    this.#arm();
  }

  async #removeDue(job: KeptJob): Promise<void> {
    this.#removing += 1;
    await this.#remove(job);
    this.#removing -= 1;
    this.#arm();
  }

  #trim(jobs: KeptJobs): void {
    if (!this.#hasSurplus(jobs)) return;
    this.#surplus.add(jobs);
    if (!this.#isTrimming) void this.#trimAll();
  }

  #hasSurplus(jobs: KeptJobs): boolean {
    const isCounted = jobs !== this.#ofUnknown;
    return isCounted && jobs.kept > this.#options.most && jobs.first !== undefined;
  }

  /** Removes the jobs above the limit, some per turn of the event loop (J4). Never rejects. */
  async #trimAll(): Promise<void> {
    this.#isTrimming = true;
    // Jobs that end in a turn are usually read within it, so wait for the next one.
    await this.#options.turn.next();
    for (let [jobs] = this.#surplus; jobs !== undefined; [jobs] = this.#surplus) {
      if (this.#closed) break;
      this.#surplus.delete(jobs);
      const removals = this.#leaving(jobs).map((job) => this.#remove(job));
      // Last in the queue, after the other principals above their limit.
      if (this.#hasSurplus(jobs)) this.#surplus.add(jobs);
      await Promise.all(removals);
      await this.#options.turn.next();
    }
    this.#isTrimming = false;
  }

  /** Picks some of the jobs above the limit, skipping those that somebody still has to read. */
  #leaving(jobs: KeptJobs): KeptJob[] {
    const { most, read } = this.#options;
    const { least, each } = RECHECK_SURPLUS;
    const pause = Math.min(RECHECK, Math.max(least, each * jobs.held));
    const leaving: KeptJob[] = [];
    for (let looks = 0; looks < SURPLUS_AT_ONCE && jobs.kept > most; looks++) {
      const { first: job } = jobs;
      if (job === undefined) break;
      if (read(job)) this.#hold(job, pause);
      else {
        jobs.leave(job);
        leaving.push(job);
      }
    }
    this.#arm();
    return leaving;
  }
}
