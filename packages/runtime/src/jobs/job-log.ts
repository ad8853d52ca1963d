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

export interface JobLogContext {
  readonly clock: Clock;
  readonly committer: Committer;
  readonly store: Pick<Store, "jobs">;
  readonly logger: Logger;
}

export interface JobLogOptions {
  /** The `job_seq` of the last record that is there already. Default 0. */
  readonly after: number | undefined;
  /** Told of each state once it is durable. */
  readonly state: JobState;
  /** What must not stand in it, whoever says it. */
  readonly secrets: Secrets;
  /** What remains of the budget at this moment: exact decimal text by currency. */
  readonly remaining: () => ReadonlyMap<string, string>;
  /** Called once, when the log can take nothing any more. */
  readonly failed: (failure: Error, loss: LogLoss) => void;
}

const DONE = Promise.resolve();

const TOO_LARGE =
  "the result does not fit into one message of 1 MiB: stream it with ctx.result.write";
const TOO_DEEP = `the result nests deeper than the ${MAX_JSON_DEPTH} levels of JSON that a message may have`;

/**
 * What a job writes: events, and at last the one terminal record, each serialised once for all viewers; and its entry in the
 * index, which keeps up with them.
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

  /** Characters of the terminal record; 0 before there is one. */
  get endLength(): number {
    return this.#endLength;
  }

  /** What remains of the budget as log and index have it (J2); undefined before anything was spent. */
  get remaining(): ReadonlyMap<string, string> | undefined {
    return this.#entry.remaining;
  }

  /** @throws BackpressureError when an event would not be taken now */
  checkRoom(): void {
    this.#writer.checkRoom();
  }

  /**
   * @param over lets it pass the backlog's bound, for what the runtime itself has to say
   * @returns when the agent may go on; accepted, not delivered (J2)
   * @throws ArcpError `INVALID_REQUEST` when it is no JSON, does not fit into one envelope, or nests too deep to be read
   * @throws BackpressureError
   */
  event(kind: string, body: object, recordKind: RecordKind, over: boolean): Promise<void> {
    // Before anything is made of it: a loop that runs into it again and again costs as little as can be.
    if (!over) this.checkRoom();
    const ts = formatTimestamp(this.#context.clock.now());
    const record = this.#write("job.event", recordKind, this.#eventJson({ kind, ts, body }));
    if (!fitsEnvelope(record)) {
      throw new ArcpError("INVALID_REQUEST", `a ${kind} event must fit into 1 MiB of JSON`);
    }
    if (nestsTooDeep(record)) {
      const problem = `a ${kind} event must not nest deeper than ${MAX_JSON_DEPTH} levels of JSON`;
      throw new ArcpError("INVALID_REQUEST", problem);
    }
    return this.#writer.append(record, over) ?? DONE;
  }

  /**
   * Takes a piece of the result whatever waits: a hole would spoil it.
   * @param chunk that fits into one envelope
   * @returns when the agent may go on; accepted, not delivered (J2)
   */
  chunk(chunk: Chunk): Promise<void> {
    const ts = formatTimestamp(this.#context.clock.now());
    const source = { stems: this.#stems, jobSeq: this.#writer.nextSeq, ts, chunk };
    return this.#writer.append(this.#cleaned(writeChunk(source)), true) ?? DONE;
  }

  /**
   * Writes the terminal record: whatever an agent hands over, one comes of it.
   * @param before says what is still to be said: after a `toJSON` of the agent's, which may say and spend something
   * @returns the ending that it tells
   */
  end(ending: Ending, before: () => void): Ending {
    const { written, record } = this.#terminal(ending, before);
    this.#endLength = lengthOf(record);
    void this.#writer.append(record, true);
    return written;
  }

  /** Takes of the turn like a record, and writes nothing. @returns when whoever goes on and on may do so (J4) */
  pass(): Promise<void> {
    return this.#writer.pass();
  }

  /** Resolves once everything written so far is durable; rejects when the log is lost. */
  flush(): Promise<void> {
    return this.#writer.flush();
  }

  /** The record of this state was just written: it is durable with its place in the index. */
  enter(status: JobStatus): void {
    this.#entry.enter(status, this.#writer.nextSeq - 1);
  }

  /** Has to be durable in the index no later than the records of now. */
  note(what: Noted): void {
    this.#entry.note(what);
    this.#enlist();
  }

  /** Changes the entry in the index at once, beside the log. Resolves when that is durable. */
  set(change: JobChange): Promise<void> {
    return this.#entry.set(change);
  }

  /** Something beside the log waits for the next commit. */
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
      this.#context.logger.error(
        { job: this.#job.id, agent: this.#job.agent, err: this.#secrets.cleanError(error) },
        "what an agent ended with is not JSON",
      );
      return this.#terminal(failure(new Error("an ending is not JSON")), before);
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
    // What stands in it now is older than what it emitted on the way (J1).
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

/** An ending as it was written down: what its agent returned stays that agent's, and may change. */
function withText(ending: Ending, text: string): Ending {
  if (ending.status !== "success") return ending;
  const { result: _, ...payload } = ending.payload;
  return { ...ending, payload, text };
}

/** What becomes of an ending that no message has room for: an error keeps all but its details (R-7.3-9). */
function sendable(ending: Ending, problem: string): Ending {
  if (ending.status === "success") return failure(new ArcpError("INTERNAL_ERROR", problem));
  const { details: _, ...payload } = ending.payload;
  return { ...ending, payload: { ...payload, details: { truncated: true } } };
}
