import type { Clock, JobId, SessionId, Timer } from "@arcp/core";
import type { Lineage } from "../lineage.ts";
import type { Turn } from "../turn.ts";
import { DueQueue } from "./due-queue.ts";
import { type KeptJob, KeptJobs } from "./kept-jobs.ts";

/** Milliseconds until a job that somebody still reads, or that could not be removed, is looked at again. */
const RECHECK = 10_000;

/** The same at the least for one that is too many meanwhile, and for each of those that are held: many take their time. */
const RECHECK_SURPLUS = { least: 1000, each: 0.1 };

/** A job counts once more for so many characters, or a few of large leases and results would take what many others do. */
const CHARACTERS = 8192;

/** Jobs that are looked at in one go: when many are due at once, others have their turn in between. */
const AT_ONCE = 64;

/** The same of those that are too many: no more can end in a turn, which is of so many records. */
const SURPLUS_AT_ONCE = 256;

/** A job that has ended. */
export interface EndedJob {
  readonly id: JobId;
  /** Who submitted it; undefined where that cannot be read: then it counts for nobody. */
  readonly principal: string | undefined;
  /** The session that owns it; undefined where that cannot be read. */
  readonly session: SessionId | undefined;
  /** Before which it is not removed; in ms of the monotonic clock. */
  readonly keepUntil?: number | undefined;
  readonly lineage: Lineage;
  /** Characters that are kept as long as the job is: its lease, and its last record, where that is known. */
  readonly size: number;
}

export interface RetentionOptions {
  readonly clock: Clock;
  readonly turn: Pick<Turn, "next">;
  /** Milliseconds for which a finished job is kept. */
  readonly ms: number;
  /** Finished jobs of one principal that are kept (R-14-2). */
  readonly most: number;
  /** How many more there may be that cannot leave. */
  readonly excess: number;
  /** Whether somebody still holds the job, whose time is up: then it is kept until nobody does (R-14-3). */
  readonly held: (job: Candidate) => boolean;
  /** Whether somebody has still to read the job, which is too many: then another one leaves. */
  readonly read: (job: Candidate) => boolean;
  /** Removes a job; must not reject. @returns whether it is gone: else that is tried again a little later */
  readonly remove: (job: Candidate) => Promise<boolean>;
}

/** What tells of a job whether it may leave. */
type Candidate = Pick<EndedJob, "id" | "session" | "lineage">;

/**
 * Keeps finished jobs for the retention time, with one timer for all, and of each principal only so many: beyond that the
 * one that ended first leaves, as if its time were up. What a job costs here does not depend on how many there are.
 */
export class Retention {
  readonly #options: RetentionOptions;
  readonly #waiting = new DueQueue<KeptJob>();
  readonly #byPrincipal = new Map<string, KeptJobs>();
  /** Nobody has too many of them. */
  readonly #ofUnknown = new KeptJobs(undefined);
  /** Those of principals that have too many, as long as some of these may leave. */
  readonly #surplus = new Set<KeptJobs>();
  #isTrimming = false;
  #timer: Timer | undefined;
  #armedFor = Number.POSITIVE_INFINITY;
  #closed = false;

  constructor(options: RetentionOptions) {
    this.#options = options;
  }

  /**
   * The job has ended: from now on its time runs.
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

  /** The job leaves, whatever it is held for: it is half gone already. */
  dismiss(job: EndedJob): void {
    void this.#remove(this.#add(job, Number.POSITIVE_INFINITY));
  }

  /** Whether a principal has too many jobs that cannot leave. */
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

  /** Nothing is known to hold it. */
  #queue(job: KeptJob): void {
    job.siblings.queue(job);
    this.#waiting.add(job.end, job);
  }

  /** It is looked at again after a pause. */
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
    this.#timer?.cancel();
    this.#armedFor = next;
    const { clock } = this.#options;
    this.#timer = clock.after(next - clock.monotonic(), () => this.#sweep());
  }

  #sweep(): void {
    this.#armedFor = Number.POSITIVE_INFINITY;
    const { clock, ms, held, read } = this.#options;
    for (const job of this.#waiting.take(clock.monotonic(), AT_ONCE)) {
      const isOver = job.end <= clock.monotonic();
      if (!isOver && !job.isLeaving) this.#queue(job);
      else if (isOver ? held(job) : read(job)) this.#hold(job, Math.min(ms, RECHECK));
      else void this.#remove(job);
      this.#trim(job.siblings);
    }
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

  /** Lets those go that are too many, some in a turn of the event loop (J4). Never rejects. */
  async #trimAll(): Promise<void> {
    this.#isTrimming = true;
    // What ends in a turn is read in it, as a rule.
    await this.#options.turn.next();
    for (let [jobs] = this.#surplus; jobs !== undefined; [jobs] = this.#surplus) {
      if (this.#closed) break;
      this.#surplus.delete(jobs);
      const removals = this.#leaving(jobs).map((job) => this.#remove(job));
      // Behind the others that have too many.
      if (this.#hasSurplus(jobs)) this.#surplus.add(jobs);
      await Promise.all(removals);
      await this.#options.turn.next();
    }
    this.#isTrimming = false;
  }

  /** Some of those that are too many. Who has still to be read is passed over. */
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
