import {
  ArcpError,
  type Clock,
  canMove,
  isTerminal,
  type JobId,
  type JobStatus,
  type Lease,
  type MessageId,
  type SessionId,
  type TerminalStatus,
  type Timer,
} from "@arcp/core";
import type { Logger } from "pino";
import { exactNumber } from "../authority/amount.ts";
import { Budget, type Remainder } from "../authority/budget.ts";
import { Guard } from "../authority/guard.ts";
import type { CompiledLease } from "../authority/lease.ts";
import type { JobChange, JobIndex, LogRecord, RecordKind } from "../store/index.ts";
import type { Timestamps } from "../timestamps.ts";
import type { Committer } from "./committer.ts";
import { cancelled, type Ending, failure, timedOut } from "./ending.ts";
import type { KnownJob } from "./known-job.ts";
import { LogWriter } from "./log-writer.ts";
import { fitsEnvelope, type RecordSource, recordStem, writeRecord } from "./record.ts";

/** What a job is, from its acceptance to its end. */
export interface JobIdentity {
  readonly id: JobId;
  readonly principal: string;
  /** The session that submitted it; its features decide what the agent may stream. */
  readonly session: SessionId;
  readonly features: ReadonlySet<string>;
  readonly request: MessageId;
  /** The resolved reference. */
  readonly agent: string;
  readonly traceId: string;
  /** Milliseconds since 1970. */
  readonly acceptedAt: number;
  readonly maxRuntimeSec: number | undefined;
  /** Milliseconds since 1970 before which it is not removed, however short the retention (R-7.2-7). */
  readonly keepUntil?: number | undefined;
}

export interface JobContext {
  readonly clock: Clock;
  readonly timestamps: Timestamps;
  readonly committer: Committer;
  readonly index: JobIndex;
  readonly logger: Logger;
  /** Milliseconds that an agent has to stop after a cancel. */
  readonly cancelGrace: number;
}

const DONE = Promise.resolve();

interface CancelRequest {
  readonly reason: string | undefined;
  readonly durable: Promise<void>;
  acknowledged: boolean;
}

/**
 * One job: the sole owner of its state and the sole writer of its log. It knows nothing of sessions or sockets.
 *
 * - **J2** What it says of itself to others (`status`, `ended`) is durable.
 * - **J3** Exactly one terminal record, and it is the last. The first ending wins; a later one is told so.
 */
export class Job implements KnownJob {
  readonly identity: JobIdentity;
  readonly authority: CompiledLease;
  readonly budget: Budget;
  readonly guard: Guard;
  readonly #context: JobContext;
  readonly #writer: LogWriter;
  readonly #stem: string;
  /** Made when an agent first asks for it: most jobs end unasked, and an abort costs tens of microseconds. */
  #abort: AbortController | undefined;
  #stopReason: (() => ArcpError) | undefined;
  readonly #ended = Promise.withResolvers<void>();
  readonly #timers: Timer[] = [];
  #state: JobStatus = "pending";
  #durableState: JobStatus = "pending";
  #lost = false;
  #terminalSeq = Number.POSITIVE_INFINITY;
  #cancel: CancelRequest | undefined;
  #owner: SessionId;
  /** An ending that came while the wish to cancel was not yet acknowledged: it waits for that. */
  #heldBack: Ending | undefined;

  constructor(identity: JobIdentity, lease: CompiledLease, context: JobContext) {
    this.identity = identity;
    this.#owner = identity.session;
    this.authority = lease;
    this.#context = context;
    this.budget = new Budget(lease.budget);
    this.guard = new Guard({
      lease,
      budget: this.budget,
      clock: context.clock,
      isActive: () => !isTerminal(this.#state) && this.#cancel === undefined,
    });
    this.#stem = recordStem(identity.id, identity.traceId);
    this.#writer = new LogWriter(identity.id, context.committer, (error) => this.#lose(error));
  }

  get id(): JobId {
    return this.identity.id;
  }

  get principal(): string {
    return this.identity.principal;
  }

  get session(): SessionId {
    return this.#owner;
  }

  get submittedIn(): SessionId {
    return this.identity.session;
  }

  get keepUntil(): number | undefined {
    return this.identity.keepUntil;
  }

  get agent(): string {
    return this.identity.agent;
  }

  get traceId(): string {
    return this.identity.traceId;
  }

  get lease(): Lease {
    return this.authority.json;
  }

  get remaining(): object | undefined {
    return this.authority.budget.size > 0 ? this.budget.toJSON() : undefined;
  }

  /** The state as its log tells it: what a reply may say (J2). */
  get status(): JobStatus {
    return this.#durableState;
  }

  /** Whether the job still takes events and operations. */
  get live(): boolean {
    return !isTerminal(this.#state);
  }

  /** Aborts when the job has to stop: cancelled, timed out, ended in any way. */
  get signal(): AbortSignal {
    if (this.#abort === undefined) {
      this.#abort = new AbortController();
      if (this.#stopReason !== undefined) this.#abort.abort(this.#stopReason());
    }
    return this.#abort.signal;
  }

  /** Whether its end stands nowhere but here: the log, or the index, did not take it. */
  get lost(): boolean {
    return this.#lost;
  }

  /** The `job_seq` of the last durable record. */
  get lastSeq(): number {
    return this.#writer.durable;
  }

  /** The `job_seq` behind which everything is still to come; of an ended job its terminal record is (R-7.6-6). */
  get liveAfter(): number {
    return Math.min(this.#writer.durable, this.#terminalSeq - 1);
  }

  /** Resolves when the terminal record and the final state are durable. */
  get ended(): Promise<void> {
    return this.#ended.promise;
  }

  /** The job is accepted for good: its clock runs, from the acceptance on (R-7.3-6). */
  accept(): void {
    const { maxRuntimeSec, acceptedAt } = this.identity;
    if (maxRuntimeSec === undefined) return;
    const elapsed = this.#context.clock.now() - acceptedAt;
    this.#after(maxRuntimeSec * 1000 - elapsed, () => this.end(timedOut(maxRuntimeSec)));
  }

  /** The agent begins. @returns whether it still may */
  begin(): boolean {
    if (!canMove(this.#state, "running")) return false;
    this.#state = "running";
    void this.emit("status", { phase: "running" });
    void this.#settle("running");
    return true;
  }

  /**
   * Appends an event. What comes after the end is discarded (R-7.3-3).
   * @returns when the agent may go on; accepted, not delivered (J2)
   * @throws ArcpError `INVALID_REQUEST` when it does not fit into one envelope
   * @throws LocalError `BACKPRESSURE`
   */
  emit(kind: string, body: object, recordKind: RecordKind = "event", over = false): Promise<void> {
    if (!this.live) return DONE;
    const ts = this.#context.timestamps.now();
    const record = this.#write("job.event", recordKind, { kind, ts, body });
    if (!fitsEnvelope(record)) {
      throw new ArcpError("INVALID_REQUEST", `a ${kind} event must fit into 1 MiB of JSON`);
    }
    return this.#writer.append(record, over) ?? DONE;
  }

  /** Says what remains of a budget; runtime only (R-8.2-3, R-9.6-9). */
  emitRemainder({ currency, remaining }: Remainder): void {
    const value = exactNumber(remaining);
    void this.emit(
      "metric",
      { name: "cost.budget.remaining", value, unit: currency },
      "budget",
      true,
    );
  }

  /** Another session owns it from now on; the caller has written that down (R-7.2-8). */
  adopt(session: SessionId): void {
    this.#owner = session;
  }

  /** Resolves once everything emitted so far is durable; rejects when the log is lost. */
  flush(): Promise<void> {
    return this.#writer.flush();
  }

  /** Ends the job, unless it has ended. @returns whether this ending won (J3) */
  end(ending: Ending): boolean {
    if (!this.live || this.#heldBack !== undefined) return false;
    if (this.#cancel !== undefined && !this.#cancel.acknowledged) {
      this.#heldBack = ending;
      return false;
    }
    for (const remainder of this.budget.unsaid()) this.emitRemainder(remainder);
    const final = this.#cancel === undefined ? ending : cancelled(this.#cancel.reason);
    const record = this.#terminal(final);
    this.#state = record.status;
    this.#terminalSeq = this.#writer.nextSeq;
    void this.#writer.append(record.record, true);
    for (const timer of this.#timers.splice(0)) timer.cancel();
    this.#signalStop(() => new ArcpError("CANCELLED", "the job has ended"));
    void this.#settle(record.status).then(this.#ended.resolve);
    return final === ending;
  }

  /** Resolves when its end, if it has come, is durable: what is said of it afterwards is final. */
  async settled(): Promise<void> {
    if (!this.live) await this.ended;
  }

  /**
   * Asks the job to stop: durable first, then acknowledged, then the agent is signalled, and from the first moment on no
   * other ending can win (R-7.4-1, R-7.4-2).
   * @param acknowledge called once it is durable; with the final state when the job had ended before
   */
  async cancel(
    reason: string | undefined,
    acknowledge: (finished: TerminalStatus | undefined) => void,
  ): Promise<void> {
    if (!this.live) {
      await this.ended;
      const { status } = this;
      return acknowledge(isTerminal(status) ? status : undefined);
    }
    if (this.#cancel !== undefined) {
      await this.#cancel.durable;
      return acknowledge(undefined);
    }
    const request = {
      durable: this.#context.index.update(this.id, { cancel: { reason } }),
      reason,
      acknowledged: false,
    };
    this.#cancel = request;
    try {
      await request.durable;
    } catch (error) {
      this.#cancel = undefined;
      this.#release();
      throw error;
    }
    acknowledge(undefined);
    request.acknowledged = true;
    this.#signalStop(() => new ArcpError("CANCELLED", reason || "cancelled on request"));
    this.#after(this.#context.cancelGrace, () => this.end(cancelled(reason)));
    this.#release();
    if (this.#state === "pending") this.end(cancelled(reason));
  }

  /** Tells the agent to stop, for the first reason that there is. */
  #signalStop(reason: () => ArcpError): void {
    if (this.#stopReason !== undefined) return;
    this.#stopReason = reason;
    this.#abort?.abort(reason());
  }

  /** Lets an ending through that was held back for the acknowledgement of a cancel. */
  #release(): void {
    const ending = this.#heldBack;
    this.#heldBack = undefined;
    if (ending !== undefined) this.end(ending);
  }

  /** Ends the job at once, for a runtime that shuts down. */
  stop(reason: string): void {
    this.end(failure(new ArcpError("INTERNAL_ERROR", reason)));
  }

  /** Whatever an agent hands over, a terminal record comes of it. */
  #terminal(ending: Ending): { status: TerminalStatus; record: LogRecord } {
    const { status, payload } = ending;
    const type = status === "success" ? "job.result" : "job.error";
    try {
      const record = this.#write(type, "terminal", { final_status: status, ...payload });
      if (fitsEnvelope(record)) return { status, record };
    } catch (error) {
      this.#context.logger.error({ job: this.id, err: error }, "an ending is no JSON");
      return this.#terminal(failure(new Error("an ending is no JSON")));
    }
    return this.#terminal(
      failure(
        new ArcpError(
          "INTERNAL_ERROR",
          "the result does not fit into one message of 1 MiB: stream it with ctx.result.write",
        ),
      ),
    );
  }

  #write(type: RecordSource["type"], kind: RecordKind, payload: object): LogRecord {
    const jobSeq = this.#writer.nextSeq;
    const record = writeRecord({ stem: this.#stem, jobSeq, kind, type, payload });
    if (this.#writer.nextSeq === jobSeq) return record;
    // Its number is taken: one record's text would lie (J1).
    throw new ArcpError("INVALID_REQUEST", "a toJSON method must not emit events");
  }

  /** Shows a state to others once its record is durable. */
  async #settle(state: JobStatus): Promise<void> {
    const change = isTerminal(state) ? this.#final(state) : { status: state };
    try {
      await this.#writer.flush();
      await this.#context.index.update(this.id, change);
    } catch (error) {
      this.#context.logger.error({ job: this.id, err: error }, "a job's state could not be stored");
      if (isTerminal(state)) this.#lost = true;
    }
    if (!isTerminal(this.#durableState)) this.#durableState = state;
  }

  #final(status: JobStatus): JobChange {
    const finishedAt = this.#context.clock.now();
    if (this.authority.budget.size === 0) return { status, finishedAt };
    return { status, finishedAt, remaining: Object.fromEntries(this.budget.remaining()) };
  }

  /** The log is lost: nothing can be told any more, so the agent has to stop. */
  #lose(error: Error): void {
    this.#context.logger.error({ job: this.id, err: error }, "a job lost its log and is stopped");
    this.#lost = true;
    this.#state = "error";
    this.#durableState = "error";
    for (const timer of this.#timers.splice(0)) timer.cancel();
    this.#signalStop(() => new ArcpError("INTERNAL_ERROR", "the job's log is lost"));
    this.#ended.resolve();
  }

  #after(ms: number, fire: () => void): void {
    this.#timers.push(this.#context.clock.after(ms, fire));
  }
}
