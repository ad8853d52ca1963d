import type { JobId } from "@arcp/core";
import type { Cut, Run } from "../store/index.ts";
import type { Journal } from "./journal.ts";

/** So little is not worth the trouble. */
const MIN_WASTE = 32;

/** Runs of one journal: beyond the most its oldest go, down to so many that are kept. */
export interface JournalLimits {
  readonly most: number;
  readonly kept: number;
}

const LIMITS: JournalLimits = { most: 65_536, kept: 49_152 };

/** How far a session has got, for what may go of its journal. */
export interface TrimBounds {
  /** The highest number that its client acknowledged. */
  readonly acked: number;
  /** Whether a run has to stay for now, though nobody can ask for what it covers. */
  readonly holds: (run: Run, lastSeq: number) => boolean;
}

/**
 * Keeps a session's journal from growing with its history. Gone is what nobody can ask for any more: runs of a job that
 * was removed, and those of others' jobs once their numbers are acknowledged (R-6.5-2). A run of a job of its own translates
 * its numbers for as long as the job is kept (R-6.3-18). A trim goes through the whole journal, so it waits until about
 * half of it is waste: each run then costs a few looks in all, however long the journal is.
 *
 * Jobs that run side by side for days open runs without end. Of those too many the oldest go, whoever might ask for them
 * (R-14-2), but for the newest of each job: by it the session knows the job.
 */
export class Trimmer {
  readonly #journal: Journal;
  /** Jobs that were removed and still have runs. */
  #removed: Set<JobId> | undefined;
  /** The number up to which acknowledged runs were counted. */
  #counted = 0;
  /** About how many runs may go: one may count twice, none is missed. */
  #waste = 0;
  /** How many of them had to stay when it last trimmed. */
  #held = 0;
  readonly #limits: JournalLimits;
  /** How long the journal was when it was trimmed last. */
  #left = 0;

  constructor(journal: Journal, limits = LIMITS) {
    this.#journal = journal;
    this.#limits = limits;
  }

  /** The job and its log are gone. */
  removed(job: JobId): void {
    const runs = this.#journal.count(job);
    if (runs === 0) return;
    this.#removed ??= new Set();
    this.#removed.add(job);
    this.#waste += runs;
  }

  /** The client has handled everything up to `seq`. */
  acknowledged(seq: number): void {
    for (const { role } of this.#journal.runs(this.#counted + 1, seq)) {
      if (role === "observer") this.#waste += 1;
    }
    this.#counted = Math.max(this.#counted, seq);
  }

  /** Trims once it is worth it. @returns what has to be stored for it */
  trim(bounds: TrimBounds): readonly Cut[] {
    const worth = this.#waste >= 2 * this.#held + MIN_WASTE;
    const isWaste = worth && this.#waste * 2 >= this.#journal.size;
    return isWaste || this.#isFull ? this.sweep(bounds) : [];
  }

  /** Not as soon as it has grown by a little: of many jobs it keeps a run each. */
  get #isFull(): boolean {
    const { most, kept } = this.#limits;
    return this.#journal.size > Math.max(most, (this.#left * most) / kept);
  }

  /** Trims all that may go, now. @returns what has to be stored for it */
  sweep({ acked, holds }: TrimBounds): readonly Cut[] {
    const journal = this.#journal;
    const { most, kept } = this.#limits;
    const newest = journal.size > most ? journal.fromOf(journal.size - kept) : 0;
    this.#held = 0;
    const cuts = journal.trim((run, lastSeq) => {
      if (lastSeq > journal.issued) return false;
      const seen = run.role === "observer" && lastSeq <= acked;
      const isOver = seen || this.#removed?.has(run.job) === true;
      if (!isOver && (run.from >= newest || journal.tellsPlace(run))) return false;
      if (!holds(run, lastSeq)) return true;
      if (isOver) this.#held += 1;
      return false;
    });
    this.#waste = this.#held;
    this.#left = journal.size;
    for (const job of this.#removed ?? []) {
      if (this.#journal.count(job) === 0) this.#removed?.delete(job);
    }
    return cuts;
  }
}
