import type { Clock, JobId } from "@arcp/core";
import type { AppendOutcome, LogBatch, LogStore } from "../store/index.ts";
import { retried } from "../store/retry.ts";
import { DEFAULT_TURN_LIMITS, Turn } from "../turn.ts";

/**
 * `recognised`: the store failed and had taken the records all the same. Whether it had made the change that came with
 * them nobody knows.
 */
export type CommitOutcome = AppendOutcome | "recognised";

/** A log writer as its committer sees it. */
export interface Committable {
  /** Records that were accepted and not handed over. */
  readonly waiting: number;
  /** Hands over the oldest of them, so many at most. */
  take(most: number): LogBatch;
  /** What became of the batch; an error when the store failed for good. */
  settle(batch: LogBatch, outcome: CommitOutcome | Error): void;
}

/** Records, and jobs, from which on a call to the store is full: a flood, taken at once, would hold up all others (J4). */
const FULL = 1024;

/** Records of one job in a call, where others come and go beside it: whoever comes next waits for less. */
const FULL_IN_COMPANY = 256;

/** Calls for which whoever came beside a job is expected again. */
const COMPANY_STAYS = 32;

/**
 * Writes behind all jobs of a runtime: once per turn it hands what they accepted to the store in one call, of a flood as much
 * as one call is to take, shared by all who wait. While a call is under way the next group gathers.
 */
export class Committer {
  readonly turn: Turn;
  readonly #logs: LogStore;
  readonly #clock: Clock;
  readonly #recognised: (job: JobId) => void;
  #dirty = new Set<Committable>();
  #busy = false;
  #written = 0;
  /** Calls that are still made as if several jobs had something to write. */
  #company = 0;

  /** @param recognised told of each job whose records turned out to be there: a store that failed rang no bell for them */
  constructor(logs: LogStore, clock: Clock, recognised: (job: JobId) => void = () => {}) {
    this.#logs = logs;
    this.#clock = clock;
    this.#recognised = recognised;
    this.turn = new Turn(clock, DEFAULT_TURN_LIMITS, () => void this.#commit());
  }

  /** Records that became durable, of all jobs. */
  get written(): number {
    return this.#written;
  }

  /** Something of this writer waits to be made durable. */
  enlist(writer: Committable): void {
    this.#dirty.add(writer);
    this.turn.arm();
  }

  async #commit(): Promise<void> {
    if (this.#busy || this.#dirty.size === 0) return;
    this.#busy = true;
    const writers = [...this.#dirty];
    // No clear(): of a set that has lived for long it leaves all writers alive until the next full collection of garbage.
    this.#dirty = new Set(writers.splice(FULL));
    const waiting = writers.reduce((sum, writer) => sum + writer.waiting, 0);
    const share = waiting <= FULL ? FULL : Math.ceil(FULL / writers.length);
    this.#company = writers.length > 1 ? COMPANY_STAYS : Math.max(0, this.#company - 1);
    const most = this.#company > 0 ? Math.min(share, FULL_IN_COMPANY) : share;
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

  /** Tries again for a while when the store fails: a busy disk must not end every job of the group. */
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

  /** After a failure of which nobody knows what it left behind, our own records may be what fences us off. */
  #recognise(
    batches: readonly LogBatch[],
    outcomes: readonly AppendOutcome[],
  ): Promise<CommitOutcome[]> {
    return Promise.all(
      outcomes.map(async (outcome, i) => {
        const batch = batches[i];
        if (outcome === "appended" || batch === undefined) return outcome;
        const { job, after, records } = batch;
        // A change alone is no trace that it could be known by.
        if (records.length === 0) return outcome;
        const limits = { records: records.length, characters: Number.MAX_SAFE_INTEGER };
        const page = await this.#logs.read(job, after, limits);
        const ours = records.every(({ text }, k) => page.records[k]?.text === text);
        return ours ? "recognised" : outcome;
      }),
    );
  }
}
