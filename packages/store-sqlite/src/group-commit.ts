import { type JobId, LocalError } from "@arcp/core";
import { Bells } from "@arcp/runtime/store";
import type { Connection } from "./connection.ts";
import { DiskSync } from "./disk-sync.ts";

/**
 * Pages in the write-ahead log from which on a commit moves them into the file, for which the event loop waits. With a sync under
 * way the disk may hang: then that is put off, for as long as the log does not grow too large. The first is SQLite's own default.
 */
const CHECKPOINT = { idle: 1_000, syncing: 16_000 };

/** Statements that wait for the next transaction. */
interface Waiting {
  /** Runs inside of the transaction. @returns to be called once that is durable */
  perform(): () => void;
  /** Nothing of the transaction took place, or nobody knows whether it lasts. */
  failed(error: unknown): void;
}

/**
 * Makes one transaction of everything that was asked for in two turns of the event loop, in the order of the calls and
 * over all interfaces: so what was asked for first is durable no later than what came after it.
 *
 * Two turns, because one thing leads to the next at the end of its turn: the attachment to a job and the job's first
 * records are one commit, and a busy job's records of two turns are. A turn more costs microseconds, a commit hundreds.
 *
 * A commit hands its pages to the system, where they outlive the process. The disk has them by a sync behind it, for which the
 * event loop does not wait: others go on meanwhile, and what they commit shares the next sync.
 *
 * - **J2** Nobody hears of a transaction before it is durable: not who asked for it, nor who reads what it wrote.
 */
export class GroupCommit {
  readonly #connection: Connection;
  readonly #disk: DiskSync;
  readonly #undo: Array<() => void> = [];
  readonly #bells = new Bells();
  /** What the transaction that is open has appended. */
  #appended: Array<{ readonly job: JobId }> = [];
  #waiting: Waiting[] = [];
  #armed = false;
  #closed = false;
  /** Settles when all that was committed is durable; undefined while it is. */
  #unsynced: Promise<void> | undefined;
  /** As it was told to SQLite; a connection comes without. */
  #checkpoint = 0;
  /** Settles when all who waited for that were told. */
  #told: Promise<void> | undefined;

  constructor(connection: Connection) {
    this.#connection = connection;
    this.#disk = new DiskSync(() => connection.sync());
  }

  /** Resolves with the reason when nothing can become durable any more, before anybody is told so. */
  get failed(): Promise<Error> {
    return this.#disk.failed;
  }

  /** Why nothing is taken, or told, any more. */
  get #refusal(): LocalError | undefined {
    if (this.#disk.failure !== undefined) return this.#disk.failure;
    const isOpen = !this.#closed && this.#connection.isOpen;
    return isOpen ? undefined : new LocalError("CLOSED", "the store is closed");
  }

  /** Calls whoever keeps in memory what transactions change, right when nothing of one took place. */
  onRollback(undo: () => void): void {
    this.#undo.push(undo);
  }

  /**
   * @param statements run later, in one transaction with others: an outcome such as `fenced` is returned, and must have
   *   changed nothing; an error undoes the whole transaction
   * @throws LocalError `CLOSED`, and whatever SQLite throws: then nothing took place
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

  /** Rings when records of the job have become durable. @returns takes the bell down */
  listen(job: JobId, ring: () => void): () => void {
    return this.#bells.hang(job, ring);
  }

  /** The transaction that is open brings records: the bells of their job ring once it is durable. */
  appended(batch: { readonly job: JobId }): void {
    this.#appended.push(batch);
  }

  /**
   * Looks at once, and tells what was found when all of it is durable.
   * @throws LocalError `CLOSED`, and whatever SQLite throws
   */
  async read<T>(select: () => T): Promise<T> {
    const refusal = this.#refusal;
    if (refusal !== undefined) throw refusal;
    const found = select();
    if (this.#unsynced !== undefined) await this.#unsynced;
    return found;
  }

  /** Commits what waits, and takes nothing more. @returns once all of it is durable, and was told so */
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

  /** @returns what is to be called once it is durable */
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
