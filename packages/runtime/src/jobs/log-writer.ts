import type { JobId } from "@arcp/core";
import { isClosed } from "../store/closed.ts";
import type { JobChange, LogBatch, LogRecord } from "../store/index.ts";
import { lengthOf } from "../store/long-record.ts";
import { Backlog } from "./backlog.ts";
import type { CommitOutcome, Committable, Committer } from "./committer.ts";

/** From this backlog on, an append waits for the store, so that an agent that awaits never hits the limits. */
const RELIEF = { records: 1024, characters: 4 * 1024 * 1024 };

/** Characters that cost as much of a turn as a record: longer records cost more. */
const TURN_CHARACTERS = 4096;

const DONE = Promise.resolve();

/** Why a log accepts nothing more. */
export type LogLoss =
  /** Another runtime writes to it, and will end the job (J1). */
  | "fenced"
  /** The store is closed, or has failed for good. */
  | "closed"
  /** The store refused the records for the whole retry period; it may still take others. */
  | "refused";

export interface LogWriterOptions {
  /** The `job_seq` of the last existing record. Default 0. */
  readonly after?: number | undefined;
  /**
   * Called directly before records are handed to the store: what it requests now becomes durable no later than they do.
   * @param last the `job_seq` of the last of them
   * @param accepted the `job_seq` of the last record accepted so far
   * @returns the change to the job's row that goes with them
   */
  readonly committing?: (last: number, accepted: number) => JobChange | undefined;
  /**
   * Called when they are durable.
   * @param change the change that went with them
   * @param sure whether the change is known to be durable too
   * @param durable the `job_seq` of the last of them
   */
  readonly committed?: (change: JobChange | undefined, sure: boolean, durable: number) => void;
  /** Called once, when the log can accept nothing more. */
  readonly failed: (failure: Error, loss: LogLoss) => void;
}

/**
 * The only writer of one job's log.
 *
 * - **J1** `job_seq` is dense from 1. If anybody else wrote to the log, this writer is fenced for good.
 * - **J2** `append` means accepted in order; only what `flush` waited for is durable.
 * - **J4** If the turn is used up, `append` returns a promise of the next one; if the store is slow, a promise of its next commit.
 */
export class LogWriter implements Committable {
  readonly #job: JobId;
  readonly #committer: Committer;
  #pending: LogRecord[] = [];
  /** What is accepted and not durable yet. */
  readonly #backlog: Backlog;
  #accepted = 0;
  #durable = 0;
  #failure: Error | undefined;
  #flushes: Array<{ upTo: number; done: PromiseWithResolvers<void> }> = [];
  readonly #options: LogWriterOptions;

  constructor(job: JobId, committer: Committer, options: LogWriterOptions) {
    this.#job = job;
    this.#committer = committer;
    this.#backlog = new Backlog("events wait to be written", committer.turn);
    this.#options = options;
    this.#accepted = this.#durable = options.after ?? 0;
  }

  /** The `job_seq` of the next record. */
  get nextSeq(): number {
    return this.#accepted + 1;
  }

  /** The `job_seq` of the last durable record; 0 before the first. */
  get durable(): number {
    return this.#durable;
  }

  /** @throws BackpressureError synchronously, if the backlog is full */
  checkRoom(): void {
    if (this.#failure === undefined) this.#backlog.check();
  }

  /**
   * Accepts a record as number `nextSeq`, even if the backlog is full.
   * @returns what to wait for: the next turn of the event loop if this one is used up (J4), the next commit if too much waits for
   *   it
   */
  append(record: LogRecord): Promise<void> | undefined {
    if (this.#failure !== undefined) return undefined;
    const { count, characters } = this.#backlog;
    this.#accepted += 1;
    const length = lengthOf(record);
    this.#backlog.add(length);
    // Keep the text until the commit has succeeded, because a retry reads it again.
    record.long?.lend();
    this.#pending.push(record);
    if (this.#pending.length === 1) this.#committer.enlist(this);
    const cost = Math.ceil(length / TURN_CHARACTERS);
    const nextTurn = this.#committer.turn.spend("writing", cost);
    const relaxed = count < RELIEF.records && characters < RELIEF.characters;
    return relaxed ? nextTurn : this.#backlog.relieved();
  }

  /**
   * Resolves once everything accepted so far is durable, in the next turn if this one is used up (J4); rejects if that can never
   * be.
   */
  flush(): Promise<void> {
    const failure = this.#failure;
    if (failure !== undefined) return this.pass().then(() => Promise.reject(failure));
    if (this.#durable === this.#accepted) return this.pass();
    const done = Promise.withResolvers<void>();
    this.#flushes.push({ upTo: this.#accepted, done });
    return done.promise;
  }

  /** Charges the turn like a record, without writing one. @returns when a busy caller may continue (J4) */
  pass(): Promise<void> {
    return this.#committer.turn.spend("writing", 1) ?? DONE;
  }

  get waiting(): number {
    return this.#pending.length;
  }

  take(most: number): LogBatch {
    const after = this.#accepted - this.#pending.length;
    // Write nothing after a failure: whoever else ends the job writes its end to the index, and may have appended as many records
    // as this writer had accepted, so an empty batch would not be fenced.
    if (this.#failure !== undefined) return { job: this.#job, after, records: [] };
    const all = this.#pending.length <= most;
    const records = all ? this.#pending : this.#pending.slice(0, most);
    const change = this.#options.committing?.(after + records.length, this.#accepted);
    this.#pending = all ? [] : this.#pending.slice(most);
    return { job: this.#job, after, records, change };
  }

  settle(batch: LogBatch, outcome: CommitOutcome | Error): void {
    if (this.#failure !== undefined) return;
    if (outcome === "fenced") {
      return this.#fail(new Error("another writer owns this job's log"), "fenced");
    }
    if (outcome instanceof Error) {
      return this.#fail(outcome, isClosed(outcome) ? "closed" : "refused");
    }
    this.#durable = batch.after + batch.records.length;
    this.#options.committed?.(batch.change, outcome === "appended", this.#durable);
    let characters = 0;
    for (const record of batch.records) {
      characters += lengthOf(record);
      record.long?.giveBack();
    }
    this.#backlog.remove(batch.records.length, characters);
    while ((this.#flushes[0]?.upTo ?? Number.POSITIVE_INFINITY) <= this.#durable) {
      this.#flushes.shift()?.done.resolve();
    }
  }

  #fail(failure: Error, loss: LogLoss): void {
    if (this.#failure !== undefined) return;
    this.#failure = failure;
    this.#pending = [];
    this.#backlog.relieve();
    for (const { done } of this.#flushes.splice(0)) done.reject(failure);
    this.#options.failed(failure, loss);
  }
}
