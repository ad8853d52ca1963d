import type { Clock, JobId } from "@arcp/core";
import type { AppendOutcome, LogBatch, LogStore } from "../store/index.ts";
import { retried } from "../store/retry.ts";
import { DEFAULT_TURN_LIMITS, Turn } from "../turn.ts";

/** `recognised`: the store reported a failure but had taken the records. Whether it took the change along with them is unknown. */
export type CommitOutcome = AppendOutcome | "recognised";

/** A log writer as its committer sees it. */
export interface Committable {
  /** The number of accepted records that were not handed over. */
  readonly waiting: number;
  /** Hands over at most `most` of the oldest records. */
  take(most: number): LogBatch;
  /** Reports the outcome of a batch; an error if the store failed for good. */
  settle(batch: LogBatch, outcome: CommitOutcome | Error): void;
}

/** The most records, and the most jobs, per call to the store: writing a flood in one call would hold up everybody else (J4). */
const MAX_PER_CALL = 1024;

/** The most records of one job per call while other jobs also write, so that the next one to come waits for less. */
const MAX_RECORDS_PER_JOB = 256;

/** For so many calls after several jobs wrote together, they are expected to do so again. */
const SHARED_CALLS = 32;

/**
 * Commits the records of all jobs of a runtime: once per turn, one call to the store takes everything accepted so far, up to a
 * limit that the waiting jobs share. While a call is in progress, the next group gathers.
 */
export class Committer {
  readonly turn: Turn;
  readonly #logs: LogStore;
  readonly #clock: Clock;
  readonly #recognised: (job: JobId) => void;
  #dirty = new Set<Committable>();
  #busy = false;
  #written = 0;
  /** For how many more calls several writing jobs are expected. */
  #sharedCalls = 0;

  /** @param recognised told of each job whose records turned out to be there: a store that failed rang no bell for them */
  constructor(logs: LogStore, clock: Clock, recognised: (job: JobId) => void = () => {}) {
    this.#logs = logs;
    this.#clock = clock;
    this.#recognised = recognised;
    this.turn = new Turn(clock, DEFAULT_TURN_LIMITS, () => void this.#commit());
  }

  /** The number of records of all jobs that became durable. */
  get written(): number {
    return this.#written;
  }

  /** Schedules a commit for a writer. */
  enlist(writer: Committable): void {
    this.#dirty.add(writer);
    this.turn.arm();
  }

  async #commit(): Promise<void> {
    if (this.#busy || this.#dirty.size === 0) return;
    this.#busy = true;
    const writers = [...this.#dirty];
    // Not `clear()`: in a long-lived set it keeps all writers alive until the next full garbage collection.
    this.#dirty = new Set(writers.splice(MAX_PER_CALL));
    const waiting = writers.reduce((sum, writer) => sum + writer.waiting, 0);
    const share = waiting <= MAX_PER_CALL ? MAX_PER_CALL : Math.ceil(MAX_PER_CALL / writers.length);
    this.#sharedCalls = writers.length > 1 ? SHARED_CALLS : Math.max(0, this.#sharedCalls - 1);
    const most = this.#sharedCalls > 0 ? Math.min(share, MAX_RECORDS_PER_JOB) : share;
    const batches = writers.map((writer) => writer.take(most));
    for (const writer of writers) if (writer.waiting > 0) this.#dirty.add(writer);
    const outcomes = await this.#append(batches);
    this.#busy = false;
    if (this.#dirty.size > 0) this.turn.arm();
    for (const [i, writer] of writers.entries()) {
      const batch = batches[i];
      const outcome = outcomes instanceof Error ? outcomes : outcomes[i];
      if (batch === undefined) continue;
      if (outcome === "appended" || outcome === "recognised") this.#written += batch.records.length;
      writer.settle(batch, outcome ?? new Error("the store gave no outcome for a batch"));
      if (outcome === "recognised") this.#recognised(batch.job);
    }
  }

  /** Retries for a while if the store fails: a busy disk must not end every job of the group. */
  #append(batches: readonly LogBatch[]): Promise<readonly CommitOutcome[] | Error> {
    const append = (attempt: number): Promise<readonly CommitOutcome[]> =>
      attempt === 0 ? this.#logs.append(batches) : this.#appendAgain(batches);
    return retried(this.#clock, append).catch((thrown: unknown) =>
      thrown instanceof Error ? thrown : new Error(String(thrown)),
    );
  }

  async #appendAgain(batches: readonly LogBatch[]): Promise<readonly CommitOutcome[]> {
    return this.#recognise(batches, await this.#logs.append(batches));
  }

  /** After a failure with unknown effect, what fences us off may be our own records. */
  #recognise(
    batches: readonly LogBatch[],
    outcomes: readonly AppendOutcome[],
  ): Promise<CommitOutcome[]> {
    return Promise.all(
      outcomes.map(async (outcome, i) => {
        const batch = batches[i];
        if (outcome === "appended" || batch === undefined) return outcome;
        const { job, after, records } = batch;
        // A change without records leaves no trace to recognise it by.
        if (records.length === 0) return outcome;
        const limits = { records: records.length, characters: Number.MAX_SAFE_INTEGER };
        const page = await this.#logs.read(job, after, limits);
        const ours = records.every(({ text }, k) => page.records[k]?.text === text);
        return ours ? "recognised" : outcome;
      }),
    );
  }
}
