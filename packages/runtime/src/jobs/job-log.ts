import { ArcpError, type Clock, formatTimestamp, type JobStatus, MAX_JSON_DEPTH } from "@arcp/core";
import type { Logger } from "pino";
import type { Secrets } from "../authority/secrets.ts";
import type { JobChange, LogRecord, RecordKind, Store } from "../store/index.ts";
import { lengthOf } from "../store/long-record.ts";
import type { Committer } from "./committer.ts";
import { type Ending, failure } from "./ending.ts";
import { JobEntry, type Noted } from "./job-entry.ts";
import type { JobIdentity } from "./job-identity.ts";
import type { JobState } from "./job-state.ts";
import { type LogLoss, LogWriter } from "./log-writer.ts";
import { noJson } from "./no-json.ts";
import {
  type Chunk,
  fitsEnvelope,
  nestsTooDeep,
  type RecordSource,
  type RecordStems,
  recordStems,
  writeChunk,
  writeRecord,
} from "./record.ts";
import { unexpectedError } from "./unexpected-error.ts";

export interface JobLogContext {
  readonly clock: Clock;
  readonly committer: Committer;
  readonly store: Pick<Store, "jobs">;
  readonly logger: Logger;
  /** Whether clients are told the messages of unexpected exceptions (R-7.3-8). */
  readonly showsErrorDetails: boolean;
}

export interface JobLogOptions {
  /** The `job_seq` of the last existing record. Default 0. */
  readonly after: number | undefined;
  /** Notified of each state once it is durable. */
  readonly state: JobState;
  /** Texts that must not occur in the log. */
  readonly secrets: Secrets;
  /** What remains of the budget now, as exact decimal text by currency. */
  readonly remaining: () => ReadonlyMap<string, string>;
  /** Called once, when the log can accept nothing more. */
  readonly failed: (failure: Error, loss: LogLoss) => void;
}

const DONE = Promise.resolve();

const TOO_LARGE =
  "the result does not fit into one message of 1 MiB: stream it with ctx.result.write";
const TOO_DEEP = `the result nests deeper than the ${MAX_JSON_DEPTH} levels of JSON that a message may have`;

/**
 * What a job writes: its events and the one terminal record, each serialized once for all viewers; and its index entry, which keeps
 * up with them.
 */
export class JobLog {
  readonly #job: JobIdentity;
  readonly #context: JobLogContext;
  readonly #writer: LogWriter;
  readonly #entry: JobEntry;
  readonly #stems: RecordStems;
  readonly #secrets: Secrets;
  readonly #state: JobState;
  #endLength = 0;

  constructor(
    job: JobIdentity,
    context: JobLogContext,
    { after, state, secrets, remaining, failed }: JobLogOptions,
  ) {
    this.#job = job;
    this.#context = context;
    this.#secrets = secrets;
    this.#state = state;
    this.#stems = recordStems(job.id, job.traceId);
    const entry = new JobEntry({
      id: job.id,
      index: context.store.jobs,
      clock: context.clock,
      remaining,
      failed: (error) => this.#saveAgain(error),
      entered: (status, error) => this.#entered(status, error),
    });
    this.#entry = entry;
    this.#writer = new LogWriter(job.id, context.committer, {
      after,
      committing: (last, accepted) => entry.save(last, accepted),
      committed: (change, sure, durable) => entry.saved(change, sure, durable),
      failed,
    });
  }

  /** The `job_seq` of the next record. */
  get nextSeq(): number {
    return this.#writer.nextSeq;
  }

  /** The `job_seq` of the last durable record. */
  get durable(): number {
    return this.#writer.durable;
  }

  /** The length of the terminal record in characters; 0 before that. */
  get endLength(): number {
    return this.#endLength;
  }

  /** What remains of the budget according to log and index (J2); undefined before anything was spent. */
  get remaining(): ReadonlyMap<string, string> | undefined {
    return this.#entry.remaining;
  }

  /** @throws BackpressureError if an event would be refused now */
  checkRoom(): void {
    this.#writer.checkRoom();
  }

  /**
   * Accepts an event even if the backlog is full.
   * @returns when the agent may continue; accepted, not delivered (J2)
   * @throws ArcpError `INVALID_REQUEST` if it is not JSON, does not fit into one envelope, or nests too deep to be read
   */
  event(kind: string, body: object, recordKind: RecordKind): Promise<void> {
    const ts = formatTimestamp(this.#context.clock.now());
    const record = this.#write("job.event", recordKind, this.#eventJson({ kind, ts, body }));
    if (!fitsEnvelope(record)) {
      throw new ArcpError("INVALID_REQUEST", `a ${kind} event must fit into 1 MiB of JSON`);
    }
    if (nestsTooDeep(record)) {
      const problem = `a ${kind} event must not nest deeper than ${MAX_JSON_DEPTH} levels of JSON`;
      throw new ArcpError("INVALID_REQUEST", problem);
    }
    return this.#writer.append(record) ?? DONE;
  }

  /**
   * Accepts a piece of the result even if the backlog is full, because a gap would spoil the result.
   * @param chunk fits into one envelope
   * @returns when the agent may continue; accepted, not delivered (J2)
   */
  chunk(chunk: Chunk): Promise<void> {
    const ts = formatTimestamp(this.#context.clock.now());
    const source = { stems: this.#stems, jobSeq: this.#writer.nextSeq, ts, chunk };
    return this.#writer.append(this.#cleaned(writeChunk(source))) ?? DONE;
  }

  /**
   * Writes the terminal record, whatever the agent returned.
   * @param before emits what is still due; called after the agent's `toJSON`, which may emit and spend
   * @returns the ending that was written
   */
  end(ending: Ending, before: () => void): Ending {
    const { written, record } = this.#terminal(ending, before);
    this.#endLength = lengthOf(record);
    void this.#writer.append(record);
    return written;
  }

  /** Charges the turn like a record, without writing one. @returns when a busy caller may continue (J4) */
  pass(): Promise<void> {
    return this.#writer.pass();
  }

  /** Resolves once everything written so far is durable; rejects if the log is lost. */
  flush(): Promise<void> {
    return this.#writer.flush();
  }

  /** Enters the state of the record just written, to be stored with that record. */
  enter(status: JobStatus): void {
    this.#entry.enter(status, this.#writer.nextSeq - 1);
  }

  /** Marks an index field to become durable no later than the records accepted so far. */
  note(what: Noted): void {
    this.#entry.note(what);
    this.#enlist();
  }

  /** Changes the index entry immediately, independently of the log. Resolves when that is durable. */
  set(change: JobChange): Promise<void> {
    return this.#entry.set(change);
  }

  /** Schedules a commit even without a record. */
  #enlist(): void {
    this.#context.committer.enlist(this.#writer);
  }

  #saveAgain(error: unknown): void {
    if (!this.#state.live) return;
    const { logger } = this.#context;
    logger.warn({ job: this.#job.id, err: error }, "a job's state is stored once more");
    this.#enlist();
  }

  #entered(status: JobStatus, error: unknown): void {
    if (error !== undefined) {
      const { logger } = this.#context;
      logger.error({ job: this.#job.id, err: error }, "a job's state could not be stored");
    }
    this.#state.committed(status, error === undefined);
  }

  #terminal(ending: Ending, before: () => void): { written: Ending; record: LogRecord } {
    const { status, payload } = ending;
    const type = status === "success" ? "job.result" : "job.error";
    try {
      const text = this.#json({ final_status: status, ...payload });
      before();
      const record = this.#write(type, "terminal", text);
      if (nestsTooDeep(record)) return this.#terminal(sendable(ending, TOO_DEEP), before);
      return fitsEnvelope(record)
        ? { written: withText(ending, text), record }
        : this.#terminal(sendable(ending, TOO_LARGE), before);
    } catch (error) {
      const { logger, showsErrorDetails } = this.#context;
      logger.error(
        { job: this.#job.id, agent: this.#job.agent, err: this.#secrets.cleanError(error) },
        "what an agent ended with is not JSON",
      );
      const thrown = new Error("what the agent ended with is not JSON", { cause: error });
      const told = unexpectedError(thrown, this.#secrets, showsErrorDetails);
      return this.#terminal(failure(told), before);
    }
  }

  #eventJson(payload: {
    readonly kind: string;
    readonly ts: string;
    readonly body: object;
  }): string {
    try {
      return this.#json(payload);
    } catch (thrown) {
      throw noJson(`a ${payload.kind} event`, thrown);
    }
  }

  #json(payload: object): string {
    const jobSeq = this.#writer.nextSeq;
    const text = JSON.stringify(payload);
    if (this.#writer.nextSeq === jobSeq) return text;
    // The text was written for a number that the events emitted on the way have taken (J1).
    throw new ArcpError("INVALID_REQUEST", "a toJSON method must not emit events");
  }

  #write(type: RecordSource["type"], kind: RecordKind, payload: string): LogRecord {
    const jobSeq = this.#writer.nextSeq;
    return this.#cleaned(writeRecord({ stems: this.#stems, jobSeq, kind, type, payload }));
  }

  #cleaned(written: LogRecord): LogRecord {
    if (!this.#secrets.any) return written;
    const { kind, long } = written;
    return { kind, text: this.#secrets.clean(long?.toOwnString() ?? written.text) };
  }
}

/** The ending as written, without the agent's own result object, which may change. */
function withText(ending: Ending, text: string): Ending {
  if (ending.status !== "success") return ending;
  const { result: _, ...payload } = ending.payload;
  return { ...ending, payload, text };
}

/** Makes an ending that does not fit into a message sendable: an error loses its details only (R-7.3-9). */
function sendable(ending: Ending, problem: string): Ending {
  if (ending.status === "success") return failure(new ArcpError("INTERNAL_ERROR", problem));
  const { details: _, ...payload } = ending.payload;
  return { ...ending, payload: { ...payload, details: { truncated: true } } };
}
