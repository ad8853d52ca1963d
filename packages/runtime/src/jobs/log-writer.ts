import { type JobId, LocalError } from "@arcp/core";
import type { AppendOutcome, LogBatch, LogRecord } from "../store/index.ts";
import type { Committable, Committer } from "./committer.ts";

/** Records of one job that may wait to become durable; an agent that emits on without awaiting meets it. */
export const MAX_BACKLOG = 4096;
/** Characters of them. */
const MAX_BACKLOG_CHARACTERS = 64 * 1024 * 1024;
/** From here on an append waits for the store, so that an agent that awaits never meets the bounds. */
const RELIEF = { records: 1024, characters: 4 * 1024 * 1024 };

export interface LogWriterOptions {
  /** The `job_seq` of the last record that is there already. Default 0. */
  readonly after?: number | undefined;
  /** Called right before records are handed to the store: what is asked of it now is durable no later than they are. */
  readonly committing?: () => void;
  /** Called once, when the log can take nothing any more. */
  readonly failed: (failure: Error) => void;
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
  /** What is accepted and not durable yet, in characters. */
  #backlog = 0;
  #relief: PromiseWithResolvers<void> | undefined;
  #accepted = 0;
  #durable = 0;
  #failure: Error | undefined;
  #flushes: Array<{ upTo: number; done: PromiseWithResolvers<void> }> = [];
  readonly #options: LogWriterOptions;

  constructor(job: JobId, committer: Committer, options: LogWriterOptions) {
    this.#job = job;
    this.#committer = committer;
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

  /**
   * Accepts a record as number `nextSeq`.
   * @param over lets it pass the backlog's bound, for the records that end a job
   * @returns what to wait for: the next turn of the event loop when this one is spent (J4), the next commit when too
   * much waits for it
   * @throws LocalError `BACKPRESSURE` when the backlog is full, synchronously, with nothing accepted
   */
  append(record: LogRecord, over = false): Promise<void> | undefined {
    if (this.#failure !== undefined) return undefined;
    const waiting = this.#accepted - this.#durable;
    if (!over && (waiting >= MAX_BACKLOG || this.#backlog > MAX_BACKLOG_CHARACTERS)) {
      throw new LocalError(
        "BACKPRESSURE",
        `${waiting} events wait to be written: await what the emitting calls return`,
      );
    }
    this.#accepted += 1;
    this.#backlog += record.text.length;
    this.#pending.push(record);
    if (this.#pending.length === 1) this.#committer.enlist(this);
    const nextTurn = this.#committer.turn.spend("writing", 1);
    if (waiting < RELIEF.records && this.#backlog < RELIEF.characters) return nextTurn;
    this.#relief ??= Promise.withResolvers<void>();
    return this.#relief.promise;
  }

  /** Resolves once all that was accepted before is durable; rejects when that can never be. */
  flush(): Promise<void> {
    if (this.#failure !== undefined) return Promise.reject(this.#failure);
    if (this.#durable === this.#accepted) return Promise.resolve();
    const done = Promise.withResolvers<void>();
    this.#flushes.push({ upTo: this.#accepted, done });
    return done.promise;
  }

  take(): LogBatch {
    this.#options.committing?.();
    const records = this.#pending;
    this.#pending = [];
    return { job: this.#job, after: this.#accepted - records.length, records };
  }

  settle(batch: LogBatch, outcome: AppendOutcome | Error): void {
    if (outcome !== "appended") {
      const failure =
        outcome === "fenced" ? new Error("another writer owns this job's log") : outcome;
      return this.#fail(failure);
    }
    this.#durable = batch.after + batch.records.length;
    for (const { text } of batch.records) this.#backlog -= text.length;
    this.#relieve();
    while ((this.#flushes[0]?.upTo ?? Number.POSITIVE_INFINITY) <= this.#durable) {
      this.#flushes.shift()?.done.resolve();
    }
  }

  #relieve(): void {
    this.#relief?.resolve();
    this.#relief = undefined;
  }

  #fail(failure: Error): void {
    if (this.#failure !== undefined) return;
    this.#failure = failure;
    this.#pending = [];
    this.#relieve();
    for (const { done } of this.#flushes.splice(0)) done.reject(failure);
    this.#options.failed(failure);
  }
}
