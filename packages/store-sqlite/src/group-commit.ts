import { LocalError } from "@arcp/core";
import type { Connection } from "./connection.ts";

/** Statements that wait for the next transaction. */
interface Waiting {
  /** Runs inside of the transaction. */
  perform(): void;
  /** The transaction is durable. */
  committed(): void;
  /** Told when all of the transaction know that it is durable. */
  announced(): void;
  /** Nothing of the transaction took place. */
  failed(error: unknown): void;
}

/**
 * Makes one transaction of everything that was asked for in two turns of the event loop, in the order of the calls and
 * over all interfaces: so what was asked for first is durable no later than what came after it. A commit costs a write to
 * the disk; whatever arrives meanwhile shares the next one.
 *
 * Two turns, because one thing leads to the next at the end of its turn: the attachment to a job and the job's first
 * records are one commit, and a busy job's records of two turns are. A turn more costs microseconds, a commit hundreds.
 */
export class GroupCommit {
  readonly #connection: Connection;
  #waiting: Waiting[] = [];
  #armed = false;

  constructor(connection: Connection) {
    this.#connection = connection;
  }

  /**
   * @param statements run later, in one transaction with others: an outcome such as `fenced` is returned, and must have
   *   changed nothing; an error undoes the whole transaction
   * @param announce is told the outcome once it is durable
   * @throws LocalError `CLOSED`, and whatever SQLite throws: then nothing took place
   */
  write<T>(statements: () => T, announce?: (outcome: T) => void): Promise<T> {
    if (!this.#connection.isOpen) {
      return Promise.reject(new LocalError("CLOSED", "the store is closed"));
    }
    const { promise, resolve, reject } = Promise.withResolvers<T>();
    let outcome: T;
    this.#waiting.push({
      perform: () => {
        outcome = statements();
      },
      committed: () => resolve(outcome),
      announced: () => announce?.(outcome),
      failed: reject,
    });
    if (!this.#armed) {
      this.#armed = true;
      setImmediate(() => setImmediate(() => this.flush()));
    }
    return promise;
  }

  /** Commits what waits, now. */
  flush(): void {
    this.#armed = false;
    const group = this.#waiting;
    if (group.length === 0) return;
    this.#waiting = [];
    try {
      this.#transact(group);
    } catch (error) {
      for (const { failed } of group) failed(error);
      return;
    }
    for (const { committed } of group) committed();
    for (const { announced } of group) announced();
  }

  #transact(group: readonly Waiting[]): void {
    this.#connection.run("BEGIN");
    try {
      for (const { perform } of group) perform();
      this.#connection.run("COMMIT");
    } catch (error) {
      this.#rollBack();
      throw error;
    }
  }

  /** After some errors, such as a full disk, SQLite has rolled back by itself. */
  #rollBack(): void {
    try {
      this.#connection.run("ROLLBACK");
    } catch {
      // The error that matters is the one that led here; if a transaction should still be open, the next BEGIN says so.
    }
  }
}
