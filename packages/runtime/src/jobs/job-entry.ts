import { type Clock, isTerminal, type JobId, type JobStatus } from "@arcp/core";
import type { JobChange, JobIndex } from "../store/index.ts";
import { retried } from "../store/retry.ts";

/** Fields of the index entry that must keep up with the log. */
export type Noted = "remaining" | "streamed";

type Amounts = NonNullable<JobChange["remaining"]>;

export interface JobEntryOptions {
  readonly id: JobId;
  readonly index: JobIndex;
  readonly clock: Clock;
  /** What remains of the budget now, as exact decimal text by currency. */
  readonly remaining: () => ReadonlyMap<string, string>;
  /** Called when the index did not take a change, which is retried with the next records. */
  readonly failed: (error: unknown) => void;
  /**
   * Called with a state once it is durable, along with the record that reports it.
   * @param error why the index did not take it, if it is durable in the log alone
   */
  readonly entered: (status: JobStatus, error?: unknown) => void;
}

const NO_CHANGE: JobChange = {};

/** A job's entry in the index. */
export class JobEntry {
  readonly #options: JobEntryOptions;
  /** Allocated with the first: most jobs neither spend nor stream. */
  #noted: Set<Noted> | undefined;
  /** The newest requested value of every field, so that a retry does not undo a later change. */
  readonly #asked: { -readonly [Field in keyof JobChange]: JobChange[Field] } = {};
  /** Changes that accompany accepted records not yet handed to the store. */
  #withRecords: Array<{ readonly record: number; readonly change: JobChange }> = [];
  /** Changes that accompany records on their way to the store. */
  #underWay = NO_CHANGE;
  /** The last accepted record when those were handed over. What remained by then may be reported once that record is durable. */
  #accepted = 0;
  #durable = 0;
  /** Stored amounts, with the record that must be durable before they may be reported. */
  readonly #stored: Array<{ readonly record: number; readonly remaining: Amounts }> = [];
  #remaining: ReadonlyMap<string, string> | undefined;

  constructor(options: JobEntryOptions) {
    this.#options = options;
  }

  /** The remaining budget that is durable along with the records of all its spending (J2); undefined before the first. */
  get remaining(): ReadonlyMap<string, string> | undefined {
    return this.#remaining;
  }

  /** Marks a field to become durable no later than the records accepted now. */
  note(what: Noted): void {
    this.#noted ??= new Set();
    this.#noted.add(what);
  }

  /**
   * Called directly before records are handed to the store.
   * @param last the `job_seq` of the last of them
   * @param accepted the `job_seq` of the last record accepted so far
   * @returns the change to store with them
   */
  save(last: number, accepted: number): JobChange | undefined {
    let change = this.#takeNoted();
    // Also stored ahead: a store without transactions may die between the records and their change.
    if (change !== undefined) void this.#ask(change);
    while ((this.#withRecords[0]?.record ?? Number.POSITIVE_INFINITY) <= last) {
      change = { ...change, ...this.#withRecords.shift()?.change };
    }
    this.#underWay = change ?? NO_CHANGE;
    this.#accepted = accepted;
    return change;
  }

  /**
   * The records handed over last are durable.
   * @param change the change that went with them
   * @param sure whether the change is known to be durable too; otherwise it is requested separately
   * @param durable the `job_seq` of the last of them
   */
  saved(change: JobChange | undefined, sure: boolean, durable: number): void {
    this.#underWay = NO_CHANGE;
    this.#durable = durable;
    const record = this.#accepted;
    if (change === undefined) return this.#advance();
    if (!sure) {
      void this.set(change).then(
        () => this.#confirmed(change, record),
        (error: unknown) => this.#refused(change, error),
      );
      return;
    }
    Object.assign(this.#asked, change);
    this.#confirmed(change, record);
  }

  #confirmed({ status, remaining }: JobChange, record: number): void {
    // A newer value will be reported by its own commit.
    if (remaining !== undefined && remaining === this.#asked.remaining) {
      this.#stored.push({ record, remaining });
    }
    this.#advance();
    if (status !== undefined) this.#options.entered(status);
  }

  #refused({ status, remaining, streamed }: JobChange, error: unknown): void {
    if (remaining !== undefined) this.note("remaining");
    if (streamed) this.note("streamed");
    this.#options.failed(error);
    if (status !== undefined) this.#options.entered(status, error);
  }

  #advance(): void {
    while ((this.#stored[0]?.record ?? Number.POSITIVE_INFINITY) <= this.#durable) {
      this.#remaining = new Map(Object.entries(this.#stored.shift()?.remaining ?? {}));
    }
  }

  #takeNoted(): JobChange | undefined {
    const noted = this.#noted;
    if (noted === undefined) return undefined;
    this.#noted = undefined;
    return {
      ...(noted.has("streamed") && { streamed: true }),
      ...(noted.has("remaining") && { remaining: Object.fromEntries(this.#options.remaining()) }),
    };
  }

  /** Requests a change early. Never rejects, because the records carry it again. */
  async #ask(change: JobChange): Promise<void> {
    const { index, id } = this.#options;
    try {
      await index.update(id, change);
    } catch {}
  }

  /** Changes the index immediately, with retries. Resolves when the change is durable. */
  set(change: JobChange): Promise<void> {
    Object.assign(this.#asked, change);
    const { clock, index, id } = this.#options;
    return retried(clock, (attempt) =>
      index.update(id, attempt === 0 ? change : this.#newest(change)),
    );
  }

  /**
   * Stores a state with the record that reports it. A final state also stores what remains of the budget, and drops what only
   * another attempt would need.
   * @param record the `job_seq` of that record, which is accepted already
   */
  enter(status: JobStatus, record: number): void {
    this.#withRecords.push({ record, change: isTerminal(status) ? this.#end(status) : { status } });
  }

  #end(status: JobStatus): JobChange {
    const remaining = this.#options.remaining();
    return {
      status,
      finishedAt: this.#options.clock.now(),
      input: undefined,
      checkpoint: undefined,
      ...(remaining.size > 0 && { remaining: Object.fromEntries(remaining) }),
    };
  }

  /**
   * The newest values of a change to retry, except the fields that records on their way to the store carry: those must not become
   * visible before the records, nor be overwritten by older values.
   */
  #newest(change: JobChange): JobChange {
    return Object.fromEntries(
      Object.entries(this.#asked).filter(([key]) => key in change && !(key in this.#underWay)),
    );
  }
}
