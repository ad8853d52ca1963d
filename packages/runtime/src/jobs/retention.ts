import type { Clock, JobId, SessionId, Timer } from "@arcp/core";
import type { Lineage } from "../lineage.ts";
import type { Turn } from "../turn.ts";
import { type Due, DueQueue } from "./due-queue.ts";
import { Line, type Standing } from "./line.ts";

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
  /** Milliseconds since 1970 before which it is not removed. */
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
  readonly held: (job: EndedJob) => boolean;
  /** Whether somebody has still to read the job, which is too many: then another one leaves. */
  readonly read: (job: EndedJob) => boolean;
  /** Removes a job; must not reject. @returns whether it is gone: else that is tried again a little later */
  readonly remove: (job: EndedJob) => Promise<boolean>;
}

/** What is kept of one principal. */
interface Share {
  readonly principal: string;
  /** For how many its jobs count. */
  kept: number;
  /** The same of those in line. */
  inLine: number;
  /** The same of further ones that are being removed, or could not be yet. */
  leaving: number;
  /** Those that nothing is known to hold, the one that ended first in front. */
  readonly line: Line<KeptJob>;
}

/** A job stands in line, is held, or leaves, and is looked at once it is due. */
interface KeptJob extends EndedJob, Standing<KeptJob> {
  readonly share: Share | undefined;
  /** When its time is up; in ms of the monotonic clock. */
  readonly end: number;
  /** For how many jobs it counts. */
  readonly weight: number;
  isInLine: boolean;
  isLeaving: boolean;
  due: Due<KeptJob> | undefined;
}

/**
 * Keeps finished jobs for the retention time, with one timer for all, and of each principal only so many: beyond that the
 * one that ended first leaves, as if its time were up. What a job costs here does not depend on how many there are.
 */
export class Retention {
  readonly #options: RetentionOptions;
  readonly #waiting = new DueQueue<KeptJob>();
  readonly #shares = new Map<string, Share>();
  /** Those of too many jobs, as long as some of these may leave. */
  readonly #surplus = new Set<Share>();
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
    const kept = this.#add(job, clock.monotonic() + Math.max(0, ms - age));
    const early = this.#early(kept);
    if (early > 0) this.#hold(kept, early);
    else this.#queue(kept);
    this.#trim(kept.share);
    this.#arm();
  }

  /** The job leaves, whatever it is held for: it is half gone already. */
  dismiss(job: EndedJob): void {
    void this.#remove(this.#add(job, Number.POSITIVE_INFINITY));
  }

  /** Whether a principal has too many jobs that cannot leave. */
  isFull(principal: string): boolean {
    const share = this.#shares.get(principal);
    if (share === undefined) return false;
    const { most, excess } = this.#options;
    return share.kept - share.inLine + share.leaving >= most + excess;
  }

  close(): void {
    this.#closed = true;
    this.#timer?.cancel();
  }

  #add({ id, principal, session, keepUntil, lineage, size }: EndedJob, end: number): KeptJob {
    const share = principal === undefined ? undefined : this.#shareOf(principal);
    const weight = 1 + Math.floor(size / CHARACTERS);
    if (share !== undefined) share.kept += weight;
    return {
      id,
      principal,
      session,
      keepUntil,
      lineage,
      size,
      share,
      end,
      weight,
      isInLine: false,
      isLeaving: false,
      before: undefined,
      behind: undefined,
      due: undefined,
    };
  }

  #shareOf(principal: string): Share {
    const known = this.#shares.get(principal);
    if (known !== undefined) return known;
    const share = { principal, kept: 0, inLine: 0, leaving: 0, line: new Line<KeptJob>() };
    this.#shares.set(principal, share);
    return share;
  }

  /** Nothing is known to hold it. */
  #queue(job: KeptJob): void {
    this.#wait(job, job.end);
    const { share } = job;
    if (share === undefined) return;
    share.line.add(job);
    share.inLine += job.weight;
    job.isInLine = true;
  }

  /** It is looked at again after a pause. */
  #hold(job: KeptJob, pause: number): void {
    this.#leaveLine(job);
    this.#wait(job, this.#options.clock.monotonic() + pause);
  }

  #wait(job: KeptJob, due: number): void {
    if (job.due !== undefined) this.#waiting.delete(job.due);
    job.due = this.#waiting.add(due, job);
  }

  #leaveLine(job: KeptJob): void {
    const { share, weight, isInLine } = job;
    if (!isInLine || share === undefined) return;
    share.line.delete(job);
    share.inLine -= weight;
    job.isInLine = false;
  }

  async #remove(job: KeptJob): Promise<void> {
    const { share, weight } = job;
    this.#leaveLine(job);
    if (job.due !== undefined) this.#waiting.delete(job.due);
    job.due = undefined;
    if (share !== undefined && !job.isLeaving) {
      share.kept -= weight;
      share.leaving += weight;
    }
    job.isLeaving = true;
    if (!(await this.#options.remove(job))) {
      this.#hold(job, RECHECK);
      this.#arm();
      return;
    }
    if (share === undefined) return;
    share.leaving -= weight;
    if (share.kept + share.leaving === 0) this.#shares.delete(share.principal);
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
      job.due = undefined;
      // The calendar may have been set back meanwhile.
      const early = this.#early(job);
      const isOver = job.end <= clock.monotonic();
      if (early > 0) this.#hold(job, early);
      else if (!isOver && !job.isLeaving) this.#queue(job);
      else if (isOver ? held(job) : read(job)) this.#hold(job, Math.min(ms, RECHECK));
      else void this.#remove(job);
      this.#trim(job.share);
    }
    this.#arm();
  }

  /** Milliseconds for which it has to be kept, whatever happens. */
  #early({ keepUntil = 0 }: EndedJob): number {
    return keepUntil - this.#options.clock.now();
  }

  #trim(share: Share | undefined): void {
    if (share === undefined || !this.#hasSurplus(share)) return;
    this.#surplus.add(share);
    if (!this.#isTrimming) void this.#trimAll();
  }

  #hasSurplus({ kept, line }: Share): boolean {
    return kept > this.#options.most && line.size > 0;
  }

  /** Lets those go that are too many, some in a turn of the event loop (J4). Never rejects. */
  async #trimAll(): Promise<void> {
    this.#isTrimming = true;
    // What ends in a turn is read in it, as a rule.
    await this.#options.turn.next();
    for (let [share] = this.#surplus; share !== undefined; [share] = this.#surplus) {
      if (this.#closed) break;
      this.#surplus.delete(share);
      const removals = this.#leaving(share).map((job) => this.#remove(job));
      // Behind the others that have too many.
      if (this.#hasSurplus(share)) this.#surplus.add(share);
      await Promise.all(removals);
      await this.#options.turn.next();
    }
    this.#isTrimming = false;
  }

  /** Some of those that are too many. Who has still to be read is passed over. */
  #leaving({ kept, inLine, line }: Share): KeptJob[] {
    const { most, read } = this.#options;
    const { least, each } = RECHECK_SURPLUS;
    const pause = Math.min(RECHECK, Math.max(least, each * (kept - inLine)));
    const leaving: KeptJob[] = [];
    let left = kept;
    for (let looks = 0; looks < SURPLUS_AT_ONCE && left > most; looks++) {
      const { first: job } = line;
      if (job === undefined) break;
      if (read(job)) this.#hold(job, pause);
      else {
        this.#leaveLine(job);
        leaving.push(job);
        left -= job.weight;
      }
    }
    this.#arm();
    return leaving;
  }
}
