import { type Clock, isTerminal, type JobId, type JobStatus } from "@arcp/core";
import type { JobChange, JobIndex } from "../store/index.ts";
import { retried } from "../store/retry.ts";

/** What stands in the index beside the log and has to keep up with it. */
export type Noted = "remaining" | "streamed";

type Amounts = NonNullable<JobChange["remaining"]>;

export interface JobEntryOptions {
  readonly id: JobId;
  readonly index: JobIndex;
  readonly clock: Clock;
  /** What remains of the budget at this moment: exact decimal text by currency. */
  readonly remaining: () => ReadonlyMap<string, string>;
  /** Told of a change that the index did not take, and that goes with the next records. */
  readonly failed: (error: unknown) => void;
  /**
   * Told of a state once it is durable, and the record that tells of it.
   * @param error why the index did not take it, when it is durable in the log alone
   */
  readonly entered: (status: JobStatus, error?: unknown) => void;
}

const NO_CHANGE: JobChange = {};

/** A job's entry in the index. */
export class JobEntry {
  readonly #options: JobEntryOptions;
  /** Made with the first: most jobs neither spend nor stream. */
  #noted: Set<Noted> | undefined;
  /** The newest values of all that was ever asked for: what is tried again must not undo what came after it. */
  readonly #asked: { -readonly [Field in keyof JobChange]: JobChange[Field] } = {};
  /** What changes with a record that is accepted and not handed to the store. */
  #withRecords: Array<{ readonly record: number; readonly change: JobChange }> = [];
  /** What changes with records that are on their way to the store. */
  #underWay = NO_CHANGE;
  /** The last record that was accepted when those were handed over: what remains by then may be told of behind it. */
  #accepted = 0;
  #durable = 0;
  /** What is stored, in the order of the records that it may be told of behind. */
  readonly #stored: Array<{ readonly record: number; readonly remaining: Amounts }> = [];
  #remaining: ReadonlyMap<string, string> | undefined;

  constructor(options: JobEntryOptions) {
    this.#options = options;
  }

  /** What remains of the budget as it is durable, and the records of what was spent with it (J2); undefined before the first. */
  get remaining(): ReadonlyMap<string, string> | undefined {
    return this.#remaining;
  }

  /** Has to be durable no later than the records that are accepted now, and behind them. */
  note(what: Noted): void {
    this.#noted ??= new Set();
    this.#noted.add(what);
  }

  /**
   * Called right before records are handed to the store.
   * @param last the `job_seq` of the last of them
   * @param accepted that of the last one that is accepted by now
   * @returns what changes with them
   */
  save(last: number, accepted: number): JobChange | undefined {
    let change = this.#takeNoted();
    // In front as well: a store without transactions may die between the records and what changes with them.
    if (change !== undefined) void this.#ask(change);
    while ((this.#withRecords[0]?.record ?? Number.POSITIVE_INFINITY) <= last) {
      change = { ...change, ...this.#withRecords.shift()?.change };
    }
    this.#underWay = change ?? NO_CHANGE;
    this.#accepted = accepted;
    return change;
  }

  /**
   * The records that were handed over last are durable.
   * @param change what changes with them
   * @param sure whether it is known of the change too; else it is asked for by itself
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
    // What is newer is told of by itself.
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

  /** Never rejects: the records bring it once more. */
  async #ask(change: JobChange): Promise<void> {
    const { index, id } = this.#options;
    try {
      await index.update(id, change);
    } catch {}
  }

  /** Asks the index at once, and again for a while when it fails. Resolves when the change is durable. */
  set(change: JobChange): Promise<void> {
    Object.assign(this.#asked, change);
    const { clock, index, id } = this.#options;
    return retried(clock, (attempt) =>
      index.update(id, attempt === 0 ? change : this.#newest(change)),
    );
  }

  /**
   * A state is stored with the record that tells of it; the last one with what remains of the budget, and without what only
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

  /** Of what comes with records nothing before them, and nothing older behind them. */
  #newest(change: JobChange): JobChange {
    return Object.fromEntries(
      Object.entries(this.#asked).filter(([key]) => key in change && !(key in this.#underWay)),
    );
  }
}
