import type { JobId } from "@arcp/core";
import { isClosed } from "../store/closed.ts";
import type { JobChange, LogBatch, LogRecord } from "../store/index.ts";
import { lengthOf } from "../store/long-record.ts";
import { Backlog } from "./backlog.ts";
import type { CommitOutcome, Committable, Committer } from "./committer.ts";

/** From here on an append waits for the store, so that an agent that awaits never meets the bounds. */
const RELIEF = { records: 1024, characters: 4 * 1024 * 1024 };

/** Characters that take as much of a turn as a record does: long ones are worth more. */
const TURN_CHARACTERS = 4096;

const DONE = Promise.resolve();

/** Why a log takes nothing any more. */
export type LogLoss =
  /** Somebody else writes to it, and will end it (J1). */
  | "fenced"
  /** The store is closed, or has failed for good. */
  | "closed"
  /** The store would not take the records for as long as one waits: it may take others. */
  | "refused";

export interface LogWriterOptions {
  /** The `job_seq` of the last record that is there already. Default 0. */
  readonly after?: number | undefined;
  /**
   * Called right before records are handed to the store: what is asked of it now is durable no later than they are.
   * @param last the `job_seq` of the last of them
   * @param accepted that of the last one that is accepted by now
   * @returns what changes of the job's row with them
   */
  readonly committing?: (last: number, accepted: number) => JobChange | undefined;
  /**
   * Called when they are durable.
   * @param change what changes with them
   * @param sure whether it is known of the change too
   * @param durable the `job_seq` of the last of them
   */
  readonly committed?: (change: JobChange | undefined, sure: boolean, durable: number) => void;
  /** Called once, when the log can take nothing any more. */
  readonly failed: (failure: Error, loss: LogLoss) => void;
}

/**
 * The one writer of one job's log.
 *
 * - **J1** `job_seq` is dense from 1; a log that somebody else wrote to fences this writer off for good.
 * - **J2** `append` means accepted in order; only what `flush` waited for is durable.
 * - **J4** A spent turn shows as a promise of the next one, a slow store as a promise of its next commit.
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

  /** @throws BackpressureError when the backlog is full, synchronously */
  checkRoom(): void {
    if (this.#failure === undefined) this.#backlog.check();
  }

  /**
   * Accepts a record as number `nextSeq`.
   * @param over lets it pass the backlog's bound, for what the runtime itself has to say
   * @returns what to wait for: the next turn of the event loop when this one is spent (J4), the next commit when too
   * much waits for it
   * @throws BackpressureError when the backlog is full, synchronously, with nothing accepted
   */
  append(record: LogRecord, over = false): Promise<void> | undefined {
    if (this.#failure !== undefined) return undefined;
    if (!over) this.#backlog.check();
    const { count, characters } = this.#backlog;
    this.#accepted += 1;
    const length = lengthOf(record);
    this.#backlog.add(length);
    // Should the store have to be asked twice, it is read once more.
    record.long?.lend();
    this.#pending.push(record);
    if (this.#pending.length === 1) this.#committer.enlist(this);
    const cost = Math.ceil(length / TURN_CHARACTERS);
    const nextTurn = this.#committer.turn.spend("writing", cost);
    const relaxed = count < RELIEF.records && characters < RELIEF.characters;
    return relaxed ? nextTurn : this.#backlog.relieved();
  }

  /** Resolves once all that was accepted before is durable; rejects when that can never be. In the next turn when this one is spent (J4). */
  flush(): Promise<void> {
    const failure = this.#failure;
    if (failure !== undefined) return this.pass().then(() => Promise.reject(failure));
    if (this.#durable === this.#accepted) return this.pass();
    const done = Promise.withResolvers<void>();
    this.#flushes.push({ upTo: this.#accepted, done });
    return done.promise;
  }

  /** Takes of the turn like a record, and writes nothing. @returns when whoever goes on and on may do so (J4) */
  pass(): Promise<void> {
    return this.#committer.turn.spend("writing", 1) ?? DONE;
  }

  get waiting(): number {
    return this.#pending.length;
  }

  take(most: number): LogBatch {
    const after = this.#accepted - this.#pending.length;
    // Who else ends the job says in the index how, and may have written as many records as this one had accepted.
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
