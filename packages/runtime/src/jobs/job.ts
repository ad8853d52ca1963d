import {
  ArcpError,
  isTerminal,
  type JobId,
  type JobStatus,
  type Lease,
  type ProvisionedCredential,
  type SessionId,
  type TerminalStatus,
} from "@arcp/core";
import { exactNumbers } from "../authority/amount.ts";
import type { Budget } from "../authority/budget.ts";
import type { CompiledLease } from "../authority/lease.ts";
import { Secrets } from "../authority/secrets.ts";
import type { Lineage } from "../lineage.ts";
import type { JobObservation } from "../observation.ts";
import { Cancellation } from "./cancellation.ts";
import { Checkpoints } from "./checkpoints.ts";
import { Deadlines } from "./deadlines.ts";
import {
  type Ending,
  parentEnded,
  shuttingDown,
  stalled,
  stopReason,
  takenOver,
  timedOut,
} from "./ending.ts";
import { JobAuthority } from "./job-authority.ts";
import type { JobContext } from "./job-context.ts";
import { JobCosts } from "./job-costs.ts";
import { JobEvents } from "./job-events.ts";
import type { JobIdentity, Legacy } from "./job-identity.ts";
import { JobLog } from "./job-log.ts";
import { JobState } from "./job-state.ts";
import type { KnownJob } from "./known-job.ts";
import type { LogLoss } from "./log-writer.ts";
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

const NO_LINEAGE: Lineage = [];

/**
 * One job: the sole owner of its state and the sole writer of its log. It knows nothing of sessions or sockets.
 *
 * - **J2** What it says of itself to others (`status`, `remaining`, `ended`) is durable.
 * - **J3** Exactly one terminal record, and it is the last. The first ending wins; a later one is told so.
 */
export class Job implements KnownJob {
  readonly identity: JobIdentity;
  /** How often its agent was started, this time included. */
  readonly attempt: number;
  /** What its agent gave to `ctx.checkpoint` last, as JSON; undefined when it never did. */
  readonly checkpoint: string | undefined;
  /** Shared by a job and all that it delegates to: they pass on to each other what they have. */
  readonly secrets: Secrets;
  readonly observed: JobObservation | undefined;
  readonly events: JobEvents;
  readonly costs: JobCosts;
  readonly authority: JobAuthority;
  readonly #context: JobContext;
  readonly #state: JobState;
  readonly #log: JobLog;
  readonly #deadlines: Deadlines;
  readonly #stop = new StopSignal();
  /** Made when somebody first asks for it. */
  #cancellation: Cancellation | undefined;
  readonly #rerun: boolean;
  readonly #parent: Job | undefined;
  /** The number of its parent's record that tells of it. */
  #toldAt = Number.POSITIVE_INFINITY;
  /** Delegated jobs that have not ended; made with the first. */
  #children: Set<Job> | undefined;
  #owner: SessionId;
  #accepted = false;
  /** What it had to say last, once that is decided. */
  #ending: Ending | undefined;
  #terminalSeq = Number.POSITIVE_INFINITY;
  /** Made with the first: most jobs have none. */
  #checkpoints: Checkpoints | undefined;
  #trace: Trace | undefined;

  /** @throws ArcpError `LEASE_SUBSET_VIOLATION` when its budget does not fit into what its parent has available (R-9.4-4) */
  constructor(
    identity: JobIdentity,
    lease: CompiledLease,
    context: JobContext,
    { legacy, parent, observed }: JobOrigin = {},
  ) {
    this.identity = identity;
    this.attempt = legacy?.attempt ?? 1;
    this.checkpoint = legacy?.checkpoint;
    this.secrets = parent?.secrets ?? new Secrets();
    this.observed = observed;
    this.#context = context;
    this.#state = new JobState(legacy?.status);
    this.#rerun = legacy !== undefined;
    this.#parent = parent;
    this.#owner = legacy?.owner ?? identity.session;
    this.#deadlines = new Deadlines(context.clock);
    this.#log = new JobLog(identity, context, {
      after: legacy?.head,
      state: this.#state,
      secrets: this.secrets,
      remaining: () => this.budget.remaining(),
      failed: (error, loss) => this.lose(error, loss),
    });
    this.events = new JobEvents({
      state: this.#state,
      log: this.#log,
      deadlines: this.#deadlines,
      parent: parent?.events,
    });
    this.costs = new JobCosts({
      grant: lease.budget,
      left: legacy?.remaining,
      parent: parent?.budget,
      events: this.events,
      log: this.#log,
      observed,
    });
    this.authority = new JobAuthority({
      job: this,
      lease,
      budget: this.budget,
      expiresAt: identity.expiresAt,
      parent: parent?.authority,
      context,
    });
    if (parent !== undefined) {
      parent.#children ??= new Set();
      parent.#children.add(this);
    }
  }

  get budget(): Budget {
    return this.costs.budget;
  }

  /** What a later attempt begins with. */
  get checkpoints(): Checkpoints {
    this.#checkpoints ??= new Checkpoints({
      state: this.#state,
      log: this.#log,
      secrets: this.secrets,
    });
    return this.#checkpoints;
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
    return this.authority.lease.json;
  }

  get expiresAt(): number | undefined {
    return this.identity.expiresAt;
  }

  get remaining(): object | undefined {
    return this.authority.lease.budget.size > 0 ? exactNumbers(this.costs.told) : undefined;
  }

  get status(): JobStatus {
    return this.#state.durable;
  }

  get live(): boolean {
    return this.#state.live;
  }

  /** Whether it may still act: no one of its line has ended or was asked to stop. */
  get active(): boolean {
    const active = this.live && !this.#cancelled && this.#state.leaving === undefined;
    return active && (this.#parent === undefined || this.#parent.active);
  }

  get #cancelled(): boolean {
    return this.#cancellation?.asked ?? false;
  }

  /** Whether its agent may be started again, should the runtime stop now. */
  get mayRunAgain(): boolean {
    const { attempts } = this.identity;
    // An attempt that has not begun uses nothing up.
    const used = this.#rerun && this.#state.isPending ? this.attempt - 1 : this.attempt;
    return this.live && used < attempts && !this.events.streamed && !this.#cancelled;
  }

  /** Aborts when the job has to stop: cancelled, timed out, ended in any way. */
  get signal(): AbortSignal {
    return this.#stop.signal;
  }

  /** What its agent does when the signal aborts belongs to this flow of the program, and not to that of whoever stops it. */
  stopsWithin(flow: (stop: () => void) => void): void {
    this.#stop.within(flow);
  }

  /** Why its end stands nowhere but here, if that is so. */
  get loss(): LogLoss | undefined {
    return this.#state.loss;
  }

  get lost(): boolean {
    return this.loss !== undefined;
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
    return this.#state.over;
  }

  /** How it ended, as its log tells it; undefined before, and when it is lost or left to the next process. */
  get ending(): Ending | undefined {
    return this.lost ? undefined : this.#ending;
  }

  /** The job is accepted for good: its clocks run, from the first acceptance on (R-7.3-6). */
  accept(): void {
    this.#accepted = true;
    if (!this.live) return;
    this.authority.watchExpiry(this.#deadlines);
    const { maxRuntimeSec: seconds, acceptedAt } = this.identity;
    if (seconds === undefined) return;
    this.#deadlines.limitRuntime(seconds, acceptedAt, () => this.end(timedOut(seconds)));
  }

  /** It is not to be accepted: it leaves nothing behind. */
  discard(): void {
    this.#state.leave();
    this.#halt(() => new ArcpError("INTERNAL_ERROR", "the job was not accepted"));
  }

  /** The agent begins. @returns whether it still may */
  begin(): boolean {
    if (!this.active || !this.#state.begin()) return false;
    const again = `run again after the runtime stopped, attempt ${this.attempt}`;
    const message = this.attempt > 1 ? { message: again } : {};
    void this.events.emit("status", { phase: "running", ...message }, "event", true);
    this.#log.enter("running");
    const { stallSec } = this.identity;
    if (stallSec !== undefined) {
      this.#deadlines.watchStall(stallSec, () => this.end(stalled(stallSec)));
    }
    return true;
  }

  /** Tells of a child: its owner follows it from that record on (R-10-2). @returns when that is durable */
  announce(child: Job, body: object): Promise<void> {
    child.#toldAt = this.#log.nextSeq;
    void this.events.emit("delegate", body, "delegate", true);
    return this.events.flush();
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

  /** Ends the job, unless it has ended. @returns whether this ending won (J3) */
  end(ending: Ending): boolean {
    if (!this.live || this.#cancellation?.holdsBack(ending)) return false;
    if (this.#state.leaving !== undefined && ending.status === "error" && !this.#cancelled) {
      void this.#leave();
      return false;
    }
    const final = this.#cancellation?.ending ?? this.authority.doom ?? ending;
    this.#finish(final);
    return final === ending;
  }

  #finish(ending: Ending): void {
    // Their last costs are charged before the last word on this budget (R-10-6).
    for (const child of [...(this.#children ?? [])]) child.#orphan();
    this.costs.sayRest();
    this.#terminalSeq = this.#log.nextSeq;
    this.#ending = this.#log.end(ending);
    const { status } = this.#ending;
    this.#state.end(status);
    this.#halt(() => stopReason(ending));
    this.#log.enter(status);
  }

  /** Its parent is over: it ends at once, whatever it is waiting for (R-10-6). */
  #orphan(): void {
    if (!this.#accepted) this.discard();
    else if (this.live) this.#finish(parentEnded());
  }

  /**
   * Resolves when its end, if it has come, is durable: what is said of it afterwards is final.
   * @throws ArcpError `INTERNAL_ERROR` when another runtime has taken the job over
   */
  async settled(): Promise<void> {
    if (!this.live) await this.ended;
    if (this.loss === "fenced") throw takenOver(this.id);
  }

  /**
   * Asks the job to stop: durable first, then acknowledged, then the agent is signalled, and from the first moment on no
   * other ending can win (R-7.4-1, R-7.4-2).
   * @param acknowledge called once it is durable; with the final state when the job had ended before
   * @param grace milliseconds that the agent has to stop
   * @throws ArcpError `INTERNAL_ERROR` when the runtime has let go of the job, or another one has taken it over
   */
  async cancel(
    reason: string | undefined,
    acknowledge: (finished: TerminalStatus | undefined) => void,
    grace: number = this.#context.cancelGrace,
  ): Promise<void> {
    if (this.live) {
      this.#cancellation ??= new Cancellation({
        state: this.#state,
        log: this.#log,
        deadlines: this.#deadlines,
        secrets: this.secrets,
        observed: this.observed,
        signal: (why) => this.#signal(why),
        end: (ending) => this.end(ending),
      });
      if (await this.#cancellation.ask(reason, () => acknowledge(undefined), grace)) return;
    }
    await this.settled();
    if (this.#state.leaving !== undefined) throw shuttingDown();
    const { status } = this;
    acknowledge(isTerminal(status) ? status : undefined);
  }

  /**
   * Stops the agent without an end: the next process runs it again. Its operations are refused from now on; what it says
   * and spends counts until it has stopped or its time is over, and should it succeed after all, so does its result. A job
   * whose cancel was asked for is left alone. Resolves when all of that is durable.
   * @param grace milliseconds that the agent has to stop
   */
  async suspend(reason: string, grace: number): Promise<void> {
    if (!this.live || this.#cancelled) return;
    this.#state.askToLeave();
    this.#signal(() => new ArcpError("INTERNAL_ERROR", reason));
    if (grace > 0 && this.#state.isRunning) this.#deadlines.after(grace, () => void this.#leave());
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
    if (this.#state.leaving !== "asked" || !this.live) return;
    for (const child of [...(this.#children ?? [])]) child.#orphan();
    this.#state.leave();
    this.#halt(shuttingDown);
    // A log that is lost has said so already.
    await this.events.flush().catch(() => {});
    await this.#checkpoints?.settled;
    this.#state.left();
  }

  /** The log is lost: nothing can be told any more, so the agent has to stop. */
  lose(error: Error, loss: LogLoss): void {
    if (this.lost) return;
    for (const child of [...(this.#children ?? [])]) child.#orphan();
    this.#context.logger.error({ job: this.id, err: error }, "a job lost its log and is stopped");
    this.#state.lose(loss, this.#cancellation?.acknowledged ? "cancelled" : "error");
    this.#halt(() => new ArcpError("INTERNAL_ERROR", "the job's log is lost"));
  }

  /** Nothing more comes of this attempt. */
  #halt(reason: () => ArcpError): void {
    this.#deadlines.stop();
    this.budget.close();
    if (this.#parent !== undefined) this.#parent.#children?.delete(this);
    this.#context.credentials?.revoke(this.id);
    this.#stop.stop(reason);
  }
}
