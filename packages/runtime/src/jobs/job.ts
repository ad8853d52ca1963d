import {
  ArcpError,
  canMove,
  isTerminal,
  type JobId,
  type JobStatus,
  type Lease,
  type ProvisionedCredential,
  type SessionId,
  type TerminalStatus,
} from "@arcp/core";
import type Big from "big.js";
import type { ExactNumber } from "../authority/amount.ts";
import type { Budget, Remainder } from "../authority/budget.ts";
import { Expiry } from "../authority/expiry.ts";
import { Guard } from "../authority/guard.ts";
import type { CompiledLease } from "../authority/lease.ts";
import { Secrets } from "../authority/secrets.ts";
import type { Lineage } from "../lineage.ts";
import type { JobObservation } from "../observation.ts";
import type { RecordKind } from "../store/index.ts";
import { Backlog } from "./backlog.ts";
import { Cancellation } from "./cancellation.ts";
import { Deadlines } from "./deadlines.ts";
import {
  cancelled,
  type Ending,
  expired,
  failure,
  parentEnded,
  stalled,
  stopReason,
  timedOut,
} from "./ending.ts";
import { openBudget, remainderMetric } from "./job-budget.ts";
import type { JobContext } from "./job-context.ts";
import { JobEntry } from "./job-entry.ts";
import type { JobIdentity, Legacy } from "./job-identity.ts";
import { JobLog } from "./job-log.ts";
import type { KnownJob } from "./known-job.ts";
import type { Chunk } from "./record.ts";
import { StopSignal } from "./stop-signal.ts";
import { type Trace, traceOf } from "./trace.ts";

/** Where a job comes from, if not from nothing. */
export interface JobOrigin {
  /** The attempt before this one, when it is run again. */
  readonly legacy?: Legacy | undefined;
  /** The job that delegated it. */
  readonly parent?: Job | undefined;
  /** Who is told what becomes of it. */
  readonly observed?: JobObservation | undefined;
}

/** The body of a metric that is a cost. */
export interface CostMetric {
  readonly name: string;
  readonly value: number | ExactNumber;
  readonly unit?: string | undefined;
  readonly dimensions?: Readonly<Record<string, string>> | undefined;
}

const DONE = Promise.resolve();
const NO_LINEAGE: Lineage = [];

/**
 * One job: the sole owner of its state and the sole writer of its log. It knows nothing of sessions or sockets.
 *
 * - **J2** What it says of itself to others (`status`, `ended`) is durable.
 * - **J3** Exactly one terminal record, and it is the last. The first ending wins; a later one is told so.
 */
export class Job implements KnownJob {
  readonly identity: JobIdentity;
  /** How often its agent was started, this time included. */
  readonly attempt: number;
  /** What its agent gave to `ctx.checkpoint` last, as JSON; undefined when it never did. */
  readonly checkpoint: string | undefined;
  readonly authority: CompiledLease;
  readonly budget: Budget;
  /** Shared by a job and all that it delegates to: they pass on to each other what they have. */
  readonly secrets: Secrets;
  readonly observed: JobObservation | undefined;
  readonly #context: JobContext;
  #guard: Guard | undefined;
  #trace: Trace | undefined;
  readonly #log: JobLog;
  readonly #entry: JobEntry;
  readonly #expiry: Expiry | undefined;
  readonly #stop = new StopSignal();
  readonly #cancellation = new Cancellation();
  readonly #ended = Promise.withResolvers<void>();
  readonly #deadlines: Deadlines;
  #state: JobStatus = "pending";
  #durableState: JobStatus = "pending";
  /** It is to be left to the next process: `asked` while its agent may still tidy up, `done` when nothing is taken any more. */
  #suspension: "asked" | "done" | undefined;
  readonly #rerun: boolean;
  /** Checkpoints that are on their way to the store. */
  readonly #checkpoints = new Backlog("checkpoints wait to be stored");
  #saving: Promise<unknown> = DONE;
  /** An operation was refused for good: no other ending but a cancel can win (R-9.5-4, R-9.6-7). */
  #doom: Ending | undefined;
  #lost = false;
  #terminalSeq = Number.POSITIVE_INFINITY;
  #owner: SessionId;
  #streamed = false;
  #accepted = false;
  /** What it had to say last, once that is decided. */
  #ending: Ending | undefined;
  readonly #parent: Job | undefined;
  /** The number of its parent's record that tells of it. */
  #toldAt = Number.POSITIVE_INFINITY;
  /** Delegated jobs that have not ended; made with the first. */
  #children: Set<Job> | undefined;

  /** @throws ArcpError `LEASE_SUBSET_VIOLATION` when its budget does not fit into what its parent has available (R-9.4-4) */
  constructor(
    identity: JobIdentity,
    lease: CompiledLease,
    context: JobContext,
    { legacy, parent, observed }: JobOrigin = {},
  ) {
    this.identity = identity;
    this.observed = observed;
    this.#parent = parent;
    this.secrets = parent?.secrets ?? new Secrets();
    this.attempt = legacy?.attempt ?? 1;
    this.#rerun = legacy !== undefined;
    this.checkpoint = legacy?.checkpoint;
    this.#owner = legacy?.owner ?? identity.session;
    this.#durableState = legacy?.status ?? "pending";
    this.authority = lease;
    this.#context = context;
    this.#deadlines = new Deadlines(context.clock);
    const holder = {
      changed: () => this.#keepBudget(),
      say: (remainder: Remainder) => this.#emitRemainder(remainder),
    };
    const options = { left: legacy?.remaining, holder };
    this.budget = openBudget(lease.budget, options, parent?.budget);
    const { expiresAt } = identity;
    this.#expiry =
      expiresAt === undefined
        ? undefined
        : new Expiry(context.clock, expiresAt, parent === undefined ? undefined : parent.#expiry);
    this.#entry = new JobEntry({
      id: identity.id,
      index: context.index,
      clock: context.clock,
      remaining: () => this.budget.remaining(),
      failed: (error) => this.#saveAgain(error),
      entered: (status, error) => this.#entered(status, error),
    });
    this.#log = new JobLog(identity, context, {
      after: legacy?.head,
      secrets: this.secrets,
      committing: (last) => this.#entry.save(last),
      committed: (change, sure) => this.#entry.saved(change, sure),
      failed: (error) => this.#lose(error),
    });
    if (parent !== undefined) {
      parent.#children ??= new Set();
      parent.#children.add(this);
    }
  }

  /** What it may do. Made when it is first asked: most jobs only say something. */
  get guard(): Guard {
    this.#guard ??= new Guard({
      lease: this.authority,
      budget: this.budget,
      expiry: this.#expiry,
      isActive: () => this.#active,
      openModels: this.#context.openModels,
      onExpired: () => this.#doomed(expired(`${this.#expiry}`), () => this.#expire()),
      onExhausted: (refusal) => this.#overspend(refusal),
    });
    return this.#guard;
  }

  /** What everything that it calls is told of its trace (R-11-5); the same from the first call on. */
  get trace(): Trace {
    this.#trace ??= this.observed?.trace ?? traceOf(this.identity);
    return this.#trace;
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

  get parent(): JobId | undefined {
    return this.identity.parent;
  }

  get lineage(): Lineage {
    if (this.#parent === undefined) return NO_LINEAGE;
    return [{ job: this.#parent.id, toldAt: this.#toldAt }, ...this.#parent.lineage];
  }

  get traceId(): string {
    return this.identity.traceId;
  }

  get lease(): Lease {
    return this.authority.json;
  }

  get expiresAt(): number | undefined {
    return this.identity.expiresAt;
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
    return !isTerminal(this.#state) && this.#suspension !== "done";
  }

  /** Whether it may still act: no one of its line has ended or was asked to stop. */
  get #active(): boolean {
    const active = this.live && !this.#cancellation.asked && this.#suspension === undefined;
    return active && (this.#parent === undefined || this.#parent.#active);
  }

  /** Whether its agent may be started again, should the runtime stop now. */
  get mayRunAgain(): boolean {
    const { attempts } = this.identity;
    // An attempt that has not begun uses nothing up.
    const used = this.#rerun && this.#state === "pending" ? this.attempt - 1 : this.attempt;
    return this.live && used < attempts && !this.#streamed && !this.#cancellation.asked;
  }

  /** Aborts when the job has to stop: cancelled, timed out, ended in any way. */
  get signal(): AbortSignal {
    return this.#stop.signal;
  }

  /** What its agent does when the signal aborts belongs to this flow of the program, and not to that of whoever stops it. */
  stopsWithin(flow: (stop: () => void) => void): void {
    this.#stop.within(flow);
  }

  /** Whether its end stands nowhere but here: the log, or the index, did not take it. */
  get lost(): boolean {
    return this.#lost;
  }

  /** The `job_seq` of the last durable record. */
  get lastSeq(): number {
    return this.#log.durable;
  }

  /** Whether it has said nothing yet, durable or not. */
  get silent(): boolean {
    return this.#log.nextSeq === 1;
  }

  /** How many records wait to become durable. */
  get waiting(): number {
    return this.#log.nextSeq - 1 - this.#log.durable;
  }

  /** The `job_seq` behind which everything is still to come; of an ended job its terminal record is (R-7.6-6). */
  get liveAfter(): number {
    return Math.min(this.#log.durable, this.#terminalSeq - 1);
  }

  /** Its credentials of now, by the name of the provisioner. */
  get credentials(): ReadonlyMap<string, ProvisionedCredential> {
    return this.#context.credentials?.of(this.id) ?? new Map();
  }

  /** Resolves when the terminal record and the final state are durable; also when the job is suspended. */
  get ended(): Promise<void> {
    return this.#ended.promise;
  }

  /** How it ended, as its log tells it; undefined before, and when it is lost or left to the next process. */
  get ending(): Ending | undefined {
    return this.#lost ? undefined : this.#ending;
  }

  /** The job is accepted for good: its clocks run, from the first acceptance on (R-7.3-6, R-9.5-3). */
  accept(): void {
    this.#accepted = true;
    if (!this.live) return;
    if (this.#context.endsAtExpiry && this.#expiry !== undefined) {
      this.#deadlines.watchExpiry(this.#expiry, () => this.#expire());
    }
    const { maxRuntimeSec: seconds, acceptedAt } = this.identity;
    if (seconds === undefined) return;
    this.#deadlines.limitRuntime(seconds, acceptedAt, () => this.end(timedOut(seconds)));
  }

  /** It is not to be accepted: it leaves nothing behind. */
  discard(): void {
    this.#suspension = "done";
    this.#halt(() => new ArcpError("INTERNAL_ERROR", "the job was not accepted"));
  }

  /** The agent begins. @returns whether it still may */
  begin(): boolean {
    if (!this.#active || !canMove(this.#state, "running")) return false;
    this.#state = "running";
    const again = `run again after the runtime stopped, attempt ${this.attempt}`;
    const message = this.attempt > 1 ? { message: again } : {};
    void this.emit("status", { phase: "running", ...message }, "event", true);
    this.#enter("running");
    const { stallSec } = this.identity;
    if (stallSec !== undefined) {
      this.#deadlines.watchStall(stallSec, () => this.end(stalled(stallSec)));
    }
    return true;
  }

  /** Asked before an operation that would show on the stream. @throws BackpressureError when an event would not be taken now */
  checkRoom(): void {
    if (this.live) this.#log.checkRoom();
  }

  /**
   * Appends an event. What comes after the end is discarded (R-7.3-3).
   * @param over lets it pass the backlog's bound: for what the runtime itself says, and for what is done already
   * @returns when the agent may go on; accepted, not delivered (J2)
   * @throws ArcpError `INVALID_REQUEST` when it does not fit into one envelope
   * @throws BackpressureError with nothing accepted, never for what is `over`
   */
  emit(kind: string, body: object, recordKind: RecordKind = "event", over = false): Promise<void> {
    if (!this.live) return DONE;
    const accepted = this.#log.event(kind, body, recordKind, over);
    this.#heard();
    return accepted;
  }

  /** Appends a piece of the result; what comes after the end is discarded. @returns when the agent may go on */
  emitChunk(chunk: Chunk): Promise<void> {
    if (!this.live) return DONE;
    const accepted = this.#log.chunk(chunk);
    this.#heard();
    if (!this.#streamed) {
      this.#streamed = true;
      this.#entry.note("streamed");
    }
    return accepted;
  }

  /** Emits a cost and charges it, as one (R-9.6-3). */
  emitCost(metric: CostMetric, amount: Big, over = false): Promise<void> {
    if (!this.live) return DONE;
    // The metric first: should it be refused, nothing was charged.
    const accepted = this.emit("metric", metric, "event", over);
    this.budget.spend(metric.unit, amount);
    if (metric.unit !== undefined) this.observed?.spent(metric.unit, amount.toFixed());
    return accepted;
  }

  /** Tells of a child: its owner follows it from that record on (R-10-2). @returns when that is durable */
  announce(child: Job, body: object): Promise<void> {
    child.#toldAt = this.#log.nextSeq;
    void this.emit("delegate", body, "delegate", true);
    return this.flush();
  }

  /**
   * Remembers what a later attempt begins with. Resolves when it is durable, and all that was emitted before it.
   * @param json as `checkpointText` makes it
   * @throws BackpressureError when too many wait, synchronously
   * @returns rejects with an ArcpError `INTERNAL_ERROR` once the job is left to the next process
   */
  saveCheckpoint(json: string): Promise<void> {
    if (this.#suspension === "done") return Promise.reject(shuttingDown());
    if (!this.live) return DONE;
    this.#checkpoints.check();
    this.#checkpoints.add(json.length);
    const saved = this.#saveCheckpoint(json).finally(() => {
      this.#checkpoints.remove(1, json.length);
    });
    this.#saving = Promise.allSettled([this.#saving, saved]);
    return saved;
  }

  async #saveCheckpoint(json: string): Promise<void> {
    await this.flush();
    if (isTerminal(this.#state)) return;
    await this.#entry.set({ checkpoint: this.secrets.clean(json) });
  }

  /** Another session owns it from now on, and its descendants with it; the caller writes that down (R-7.2-8). */
  adopt(session: SessionId): void {
    const before = this.#owner;
    this.#owner = session;
    // One that a client delegated may have been adopted by itself.
    for (const child of this.#children ?? []) {
      if (child.#owner === before) child.adopt(session);
    }
  }

  /** Resolves once everything emitted so far is durable; rejects when the log is lost. */
  flush(): Promise<void> {
    return this.#log.flush();
  }

  /** Ends the job, unless it has ended. @returns whether this ending won (J3) */
  end(ending: Ending): boolean {
    if (!this.live || this.#cancellation.holdsBack || this.#cancellation.holdBack(ending)) {
      return false;
    }
    if (this.#suspension !== undefined && ending.status === "error" && !this.#cancellation.asked) {
      void this.#leave();
      return false;
    }
    const final = this.#finalOf(ending);
    this.#finish(final);
    return final === ending;
  }

  #finish(ending: Ending): void {
    // Their last costs are charged before the last word on this budget (R-10-6).
    for (const child of [...(this.#children ?? [])]) child.#orphan();
    for (const remainder of this.budget.unsaid()) this.#emitRemainder(remainder);
    this.#terminalSeq = this.#log.nextSeq;
    this.#ending = this.#log.end(ending);
    const { status } = this.#ending;
    this.#state = status;
    this.#halt(() => stopReason(ending));
    this.#enter(status);
  }

  /** Its parent is over: it ends at once, whatever it is waiting for (R-10-6). */
  #orphan(): void {
    if (!this.#accepted) this.discard();
    else if (this.live) this.#finish(parentEnded());
  }

  /** Resolves when its end, if it has come, is durable: what is said of it afterwards is final. */
  async settled(): Promise<void> {
    if (!this.live) await this.ended;
  }

  /**
   * Asks the job to stop: durable first, then acknowledged, then the agent is signalled, and from the first moment on no
   * other ending can win (R-7.4-1, R-7.4-2).
   * @param acknowledge called once it is durable; with the final state when the job had ended before
   * @param grace milliseconds that the agent has to stop
   * @throws ArcpError `INTERNAL_ERROR` when the runtime has let go of the job
   */
  async cancel(
    reason: string | undefined,
    acknowledge: (finished: TerminalStatus | undefined) => void,
    grace: number = this.#context.cancelGrace,
  ): Promise<void> {
    if (!this.live) {
      await this.ended;
      if (this.#suspension !== undefined) throw shuttingDown();
      const { status } = this;
      return acknowledge(isTerminal(status) ? status : undefined);
    }
    const first = await this.#askFor(reason);
    // An end that did not wait for this word, with its parent's, stands in front of it.
    if (!this.live) return this.cancel(reason, acknowledge, grace);
    acknowledge(undefined);
    if (!first) return;
    this.#cancellation.acknowledged();
    this.observed?.cancelling(reason && this.secrets.clean(reason));
    if (!this.live) return;
    this.#signal(() => new ArcpError("CANCELLED", reason || "cancelled on request"));
    this.#deadlines.after(grace, () => this.end(cancelled(reason)));
    this.#release();
    if (this.#state === "pending" || grace === 0) this.end(cancelled(reason));
  }

  /**
   * Stops the agent without an end: the next process runs it again. Its operations are refused from now on; what it says
   * and spends counts until it has stopped or its time is over, and should it succeed after all, so does its result. A job
   * whose cancel was asked for is left alone. Resolves when all of that is durable.
   * @param grace milliseconds that the agent has to stop
   */
  async suspend(reason: string, grace: number): Promise<void> {
    if (!this.live || this.#cancellation.asked) return;
    this.#suspension = "asked";
    this.#signal(() => new ArcpError("INTERNAL_ERROR", reason));
    if (grace > 0 && this.#state === "running")
      this.#deadlines.after(grace, () => void this.#leave());
    else void this.#leave();
    await this.ended;
  }

  /** Asks its agent and those of its descendants to stop. */
  #signal(reason: () => ArcpError): void {
    this.#stop.stop(reason);
    for (const child of this.#children ?? []) child.#signal(reason);
  }

  /** From here on the job is the next process's. */
  async #leave(): Promise<void> {
    if (this.#suspension !== "asked" || !this.live) return;
    for (const child of [...(this.#children ?? [])]) child.#orphan();
    this.#suspension = "done";
    this.#halt(shuttingDown);
    // A log that is lost has said so already.
    await this.flush().catch(() => {});
    await this.#saving;
    this.#ended.resolve();
  }

  #finalOf(ending: Ending): Ending {
    if (this.#cancellation.asked) return cancelled(this.#cancellation.reason);
    return this.#doom ?? ending;
  }

  /** Ends the job in a moment: the refusal of its operation goes onto the stream first (R-9.3-3). */
  #doomed(ending: Ending, end: () => void): void {
    const first = this.#doom === undefined;
    // A lease that has expired by now has the last word.
    this.#doom = ending;
    if (first) void this.#context.committer.turn.next().then(end);
  }

  #overspend(refusal: ArcpError): void {
    if (!this.#context.endsAtExhaustion) return;
    const ending = failure(refusal);
    this.#doomed(ending, () => {
      const { id, principal, live } = this;
      if (live) this.#context.logger.warn({ job: id, principal }, "a job used up its budget");
      this.end(ending);
    });
  }

  /** The lease allows nothing any more: the job ends, or a cancel that was acknowledged has its last word (R-9.5-4). */
  #expire(): void {
    if (!this.live) return;
    const { id, principal } = this;
    this.#context.logger.warn({ job: id, principal, expiry: `${this.#expiry}` }, "a lease expired");
    this.end(expired(`${this.#expiry}`));
  }

  async #askFor(reason: string | undefined): Promise<boolean> {
    try {
      return await this.#cancellation.ask(reason, () =>
        this.#entry.set({ cancel: { reason: reason && this.secrets.clean(reason) } }),
      );
    } catch (error) {
      this.#release();
      throw error;
    }
  }

  /** Lets an ending through that was held back for the acknowledgement of a cancel. */
  #release(): void {
    const ending = this.#cancellation.release();
    if (ending !== undefined) this.end(ending);
  }

  /** Says what remains of a budget; runtime only (R-8.2-3, R-9.6-9). */
  #emitRemainder(remainder: Remainder): void {
    void this.emit("metric", remainderMetric(remainder), "budget", true);
  }

  /** What remains is durable no later than the cost that changed it, be it a descendant's. */
  #keepBudget(): void {
    this.#entry.note("remaining");
    this.#log.enlist();
  }

  #saveAgain(error: unknown): void {
    if (!this.live) return;
    this.#context.logger.warn({ job: this.id, err: error }, "a job's state is stored once more");
    this.#log.enlist();
  }

  /** The record of this state was just written: others see it once that is durable, and its place in the index with it. */
  #enter(state: JobStatus): void {
    this.#entry.enter(state, this.#log.nextSeq - 1);
  }

  #entered(state: JobStatus, error: unknown): void {
    const ended = isTerminal(state);
    if (error !== undefined) {
      this.#context.logger.error({ job: this.id, err: error }, "a job's state could not be stored");
      if (ended) this.#lost = true;
    }
    if (!isTerminal(this.#durableState)) this.#durableState = state;
    if (ended) this.#ended.resolve();
  }

  /** The log is lost: nothing can be told any more, so the agent has to stop. */
  #lose(error: Error): void {
    for (const child of [...(this.#children ?? [])]) child.#orphan();
    this.#context.logger.error({ job: this.id, err: error }, "a job lost its log and is stopped");
    this.#lost = true;
    this.#state = "error";
    this.#durableState = "error";
    this.#halt(() => new ArcpError("INTERNAL_ERROR", "the job's log is lost"));
    this.#ended.resolve();
  }

  /** Nothing more comes of this attempt. */
  #halt(reason: () => ArcpError): void {
    this.#deadlines.stop();
    this.budget.close();
    if (this.#parent !== undefined) this.#parent.#children?.delete(this);
    this.#context.credentials?.revoke(this.id);
    this.#stop.stop(reason);
  }

  /** Whoever waits for a delegated job that works is not stalled. */
  #heard(): void {
    this.#deadlines.heard();
    if (this.#parent !== undefined) this.#parent.#heard();
  }
}

function shuttingDown(): ArcpError {
  return new ArcpError("INTERNAL_ERROR", "the runtime is shutting down");
}
