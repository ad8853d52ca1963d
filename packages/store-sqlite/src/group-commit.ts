import { type JobId, LocalError } from "@arcp/core";
import { Bells } from "@arcp/runtime/store";
import type { Connection } from "./connection.ts";
import { DiskSync } from "./disk-sync.ts";

/**
 * The number of pages in the write-ahead log from which on a commit moves them into the file, which blocks the event loop. During a
 * sync the disk may hang, so the move is deferred unless the log grows too large. The first number is SQLite's default.
 */
const CHECKPOINT = { idle: 1_000, syncing: 16_000 };

/** Statements that wait for the next transaction. */
interface Waiting {
  /** Runs within the transaction. @returns a function to call once that is durable */
  perform(): () => void;
  /** Called if the transaction was undone, or may not be durable. */
  failed(error: unknown): void;
}

/**
 * Puts everything requested during two turns of the event loop into one transaction, in the order of the calls and across all
 * interfaces. So what was requested first is durable no later than what came after it.
 *
 * Two turns, because one thing leads to another at the end of its turn: the attachment to a job and the job's first records become
 * one commit, as do a busy job's records of two turns. Another turn costs microseconds, a commit hundreds.
 *
 * A commit hands its pages to the operating system, where they survive the process. A sync after it brings them to the disk, and
 * the event loop does not wait for that: work goes on, and what is committed meanwhile shares the next sync.
 *
 * - **J2** Nobody learns of a transaction before it is durable: neither who requested it, nor who reads what it wrote.
 */
export class GroupCommit {
  readonly #connection: Connection;
  readonly #disk: DiskSync;
  readonly #undo: Array<() => void> = [];
  readonly #bells = new Bells();
  /** What the open transaction has appended. */
  #appended: Array<{ readonly job: JobId }> = [];
  #waiting: Waiting[] = [];
  #armed = false;
  #closed = false;
  /** Settles when everything committed is durable; undefined if it is. */
  #unsynced: Promise<void> | undefined;
  /** The current setting in SQLite; a new connection starts with 0. */
  #checkpoint = 0;
  /** Settles when everybody has been notified of the last sync. */
  #told: Promise<void> | undefined;

  constructor(connection: Connection) {
    this.#connection = connection;
    this.#disk = new DiskSync(() => connection.sync());
  }

  /** Resolves with the reason when nothing can become durable any more, before anybody is told so. */
  get failed(): Promise<Error> {
    return this.#disk.failed;
  }

  /** The error to reject with, if no more calls are accepted. */
  get #refusal(): LocalError | undefined {
    if (this.#disk.failure !== undefined) return this.#disk.failure;
    const isOpen = !this.#closed && this.#connection.isOpen;
    return isOpen ? undefined : new LocalError("CLOSED", "the store is closed");
  }

  /** Registers a callback for rollbacks, for caches of what transactions change. Called directly after a transaction was undone. */
  onRollback(undo: () => void): void {
    this.#undo.push(undo);
  }

  /**
   * @param statements run later, in one transaction with others. An outcome such as `fenced` is returned and must have changed
   *   nothing; an error undoes the whole transaction
   * @throws LocalError `CLOSED`, and whatever SQLite throws; then nothing took place
   */
  write<T>(statements: () => T): Promise<T> {
    const refusal = this.#refusal;
    if (refusal !== undefined) return Promise.reject(refusal);
    const { promise, resolve, reject } = Promise.withResolvers<T>();
    this.#waiting.push({
      perform: () => {
        const outcome = statements();
        return () => resolve(outcome);
      },
      failed: reject,
    });
    if (!this.#armed) {
      this.#armed = true;
      setImmediate(() => setImmediate(() => this.#commit()));
    }
    return promise;
  }

  /** Rings when records of the job have become durable. @returns a function that removes the bell */
  listen(job: JobId, ring: () => void): () => void {
    return this.#bells.hang(job, ring);
  }

  /** Makes the job's bells ring once the open transaction, which appends records to it, is durable. */
  appended(batch: { readonly job: JobId }): void {
    this.#appended.push(batch);
  }

  /**
   * Reads immediately, and returns the result once everything in it is durable.
   * @throws LocalError `CLOSED`, and whatever SQLite throws
   */
  async read<T>(select: () => T): Promise<T> {
    const refusal = this.#refusal;
    if (refusal !== undefined) throw refusal;
    const found = select();
    if (this.#unsynced !== undefined) await this.#unsynced;
    return found;
  }

  /** Commits what is waiting, and accepts nothing more. @returns once all of it is durable, and everybody was notified */
  async close(): Promise<void> {
    this.#closed = true;
    this.#commit();
    await this.#told;
  }

  #commit(): void {
    this.#armed = false;
    const group = this.#waiting;
    if (group.length === 0) return;
    this.#waiting = [];
    let durable: ReadonlyArray<() => void>;
    try {
      if (this.#disk.failure !== undefined) throw this.#disk.failure;
      durable = this.#transact(group);
    } catch (error) {
      this.#appended = [];
      for (const { failed } of group) failed(error);
      return;
    }
    const appended = this.#appended;
    this.#appended = [];
    const synced = this.#disk.synced();
    this.#unsynced = synced;
    this.#told = synced.then(
      () => {
        if (this.#unsynced === synced) this.#unsynced = undefined;
        for (const tell of durable) tell();
        this.#bells.ring(appended);
      },
      (error: unknown) => {
        for (const { failed } of group) failed(error);
      },
    );
  }

  /** @returns functions to call once the transaction is durable */
  #transact(group: readonly Waiting[]): ReadonlyArray<() => void> {
    this.#planCheckpoint(this.#unsynced === undefined ? CHECKPOINT.idle : CHECKPOINT.syncing);
    this.#connection.run("BEGIN");
    try {
      const durable = group.map(({ perform }) => perform());
      this.#connection.run("COMMIT");
      return durable;
    } catch (error) {
      this.#connection.rollBack();
      for (const undo of this.#undo) undo();
      throw error;
    }
  }

  #planCheckpoint(pages: number): void {
    if (this.#checkpoint === pages) return;
    this.#connection.execute(`PRAGMA wal_autocheckpoint = ${pages}`);
    this.#checkpoint = pages;
  }
}
