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
  /** Resolves once all records that are accepted at this moment are durable; rejects when they never will be. */
  readonly flush: () => Promise<void>;
  /** Told of a change that could not be stored, and is to be saved once more. */
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
  /** How often it was asked to store what remains. */
  #asks = 0;
  #kept: { readonly ask: number; readonly remaining: ReadonlyMap<string, string> } | undefined;

  constructor(options: JobEntryOptions) {
    this.#options = options;
  }

  /** What remains of the budget as it is durable, and the records of what was spent with it (J2); undefined before the first. */
  get remaining(): ReadonlyMap<string, string> | undefined {
    return this.#kept?.remaining;
  }

  /** Has to be durable no later than the records that are accepted now. */
  note(what: Noted): void {
    this.#noted ??= new Set();
    this.#noted.add(what);
  }

  /**
   * A result begins with this record, which is accepted already. Asked for in front of it, as whatever was emitted counts, and
   * with it, as the index may fail where the log does not.
   */
  beginResult(record: number): void {
    this.note("streamed");
    this.#withRecords.push({ record, change: { streamed: true } });
  }

  /**
   * Asks the index for what was noted; called right before records are handed to the store.
   * @param last the `job_seq` of the last of them
   * @returns what changes with them
   */
  save(last: number): JobChange | undefined {
    this.#saveNoted();
    let change: JobChange | undefined;
    while ((this.#withRecords[0]?.record ?? Number.POSITIVE_INFINITY) <= last) {
      change = { ...change, ...this.#withRecords.shift()?.change };
    }
    this.#underWay = change ?? NO_CHANGE;
    return change;
  }

  /**
   * The records of this change are durable.
   * @param sure whether it is known of the change too; else it is asked for by itself
   */
  saved(change: JobChange, sure: boolean): void {
    this.#underWay = NO_CHANGE;
    const { status, remaining } = change;
    const entered = (error?: unknown): void => {
      // Nothing is spent behind the end.
      if (error === undefined && remaining !== undefined) this.#keep(Infinity, remaining);
      if (status !== undefined) this.#options.entered(status, error);
    };
    if (!sure) return void this.set(change).then(() => entered(), entered);
    Object.assign(this.#asked, change);
    entered();
  }

  #saveNoted(): void {
    if (this.#noted === undefined) return;
    const noted = [...this.#noted];
    this.#noted = undefined;
    const change = this.#changeOf(noted);
    const stored = this.set(change);
    stored.catch((error: unknown) => {
      for (const what of noted) this.note(what);
      this.#options.failed(error);
    });
    if (change.remaining !== undefined) void this.#keepOnce(stored, change.remaining);
  }

  /** Of what is stored late, because the store had failed, nothing is told that was told better meanwhile. */
  async #keepOnce(stored: Promise<void>, remaining: Amounts): Promise<void> {
    this.#asks += 1;
    const ask = this.#asks;
    const outcomes = await Promise.allSettled([stored, this.#options.flush()]);
    if (outcomes.every(({ status }) => status === "fulfilled")) this.#keep(ask, remaining);
  }

  #keep(ask: number, remaining: Amounts): void {
    if (ask > (this.#kept?.ask ?? 0))
      this.#kept = { ask, remaining: new Map(Object.entries(remaining)) };
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

  #changeOf(noted: readonly Noted[]): JobChange {
    return {
      ...(noted.includes("streamed") && { streamed: true }),
      ...(noted.includes("remaining") && {
        remaining: Object.fromEntries(this.#options.remaining()),
      }),
    };
  }
}
