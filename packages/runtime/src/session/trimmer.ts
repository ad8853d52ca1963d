import type { JobId } from "@arcp/core";
import type { Cut, Run } from "../store/index.ts";
import type { Journal } from "./journal.ts";

/** The least number of runs worth trimming. */
const MIN_WASTE = 32;

/** When a journal has more than `most` runs, the oldest are dropped until `kept` are left. */
export interface JournalLimits {
  readonly most: number;
  readonly kept: number;
}

const LIMITS: JournalLimits = { most: 65_536, kept: 49_152 };

/** How far a session has got, which decides what its journal may drop. */
export interface TrimBounds {
  /** The highest acknowledged number. */
  readonly acked: number;
  /** Whether a run has to stay for now, though nobody can ask for its records. */
  readonly holds: (run: Run, lastSeq: number) => boolean;
}

/**
 * Keeps a session's journal from growing with its history. It drops what nobody can ask for any more: runs of removed jobs, and
 * runs of observed jobs once acknowledged (R-6.5-2). Runs of the session's own jobs translate their numbers for as long as the job
 * is kept (R-6.3-18). A trim walks the whole journal, so it waits until about half of it is waste; the amortized cost per run is
 * then constant, however long the journal is.
 *
 * Jobs that run side by side for days open runs without end. If there are too many, the oldest are dropped, even those that could
 * be asked for (R-14-2), except for each job's newest run, which tells that the session knows the job.
 */
export class Trimmer {
  readonly #journal: Journal;
  /** Removed jobs that still have runs. */
  #removed: Set<JobId> | undefined;
  /** Acknowledged runs are counted up to this number. */
  #counted = 0;
  /** About how many runs could be dropped: one may count twice, none is missed. */
  #waste = 0;
  /** How many of them had to stay at the last trim. */
  #held = 0;
  readonly #limits: JournalLimits;
  /** The length of the journal after the last trim. */
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

  /** Trims once it is worth it. @returns what to store */
  trim(bounds: TrimBounds): readonly Cut[] {
    const worth = this.#waste >= 2 * this.#held + MIN_WASTE;
    const isWaste = worth && this.#waste * 2 >= this.#journal.size;
    return isWaste || this.#isFull ? this.sweep(bounds) : [];
  }

  /** Requires some growth since the last trim: with many jobs, one run of each stays anyway. */
  get #isFull(): boolean {
    const { most, kept } = this.#limits;
    return this.#journal.size > Math.max(most, (this.#left * most) / kept);
  }

  /** Trims now. @returns what to store */
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
