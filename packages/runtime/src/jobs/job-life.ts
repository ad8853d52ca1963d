import { ArcpError, isTerminal, type TerminalStatus } from "@arcp/core";
import type { Secrets } from "../authority/secrets.ts";
import type { JobObservation } from "../observation.ts";
import { Cancellation } from "./cancellation.ts";
import type { Checkpoints } from "./checkpoints.ts";
import type { Deadlines } from "./deadlines.ts";
import {
  type Ending,
  parentEnded,
  shuttingDown,
  stalled,
  stopReason,
  takenOver,
  timedOut,
} from "./ending.ts";
import type { Family } from "./family.ts";
import type { JobAuthority } from "./job-authority.ts";
import type { JobContext } from "./job-context.ts";
import type { JobCosts } from "./job-costs.ts";
import type { JobEvents } from "./job-events.ts";
import type { JobIdentity } from "./job-identity.ts";
import type { JobLog } from "./job-log.ts";
import type { JobState } from "./job-state.ts";
import type { LogLoss } from "./log-writer.ts";
import { StopSignal } from "./stop-signal.ts";

export interface JobLifeOptions {
  /** Whose life it is. */
  readonly job: Living;
  readonly state: JobState;
  readonly log: JobLog;
  readonly deadlines: Deadlines;
  readonly context: JobContext;
}

interface Living {
  readonly identity: JobIdentity;
  readonly attempt: number;
  readonly secrets: Secrets;
  readonly observed: JobObservation | undefined;
  readonly events: JobEvents;
  readonly costs: JobCosts;
  readonly authority: JobAuthority;
  readonly checkpoints: Checkpoints;
  readonly family: Family;
}

/**
 * The course of a job, from its acceptance to its end: what begins it, who may stop it, and which of its endings counts.
 *
 * - **J3** Exactly one terminal record, and it is the last. The first ending wins; a later one is told so.
 */
export class JobLife {
  readonly #job: Living;
  readonly #state: JobState;
  readonly #log: JobLog;
  readonly #deadlines: Deadlines;
  readonly #context: JobContext;
  readonly #stop = new StopSignal();
  /** Made when somebody first asks for it. */
  #cancellation: Cancellation | undefined;
  #accepted = false;
  /** What it had to say last, once that is decided. */
  #ending: Ending | undefined;
  #terminalSeq = Number.POSITIVE_INFINITY;

  constructor({ job, state, log, deadlines, context }: JobLifeOptions) {
    this.#job = job;
    this.#state = state;
    this.#log = log;
    this.#deadlines = deadlines;
    this.#context = context;
  }

  /** Whether it may still act: no one of its line has ended or was asked to stop. */
  get active(): boolean {
    const { live, leaving } = this.#state;
    return live && !this.#cancelled && leaving === undefined && this.#job.family.active;
  }

  get #cancelled(): boolean {
    return this.#cancellation?.asked ?? false;
  }

  /**
   * Settles when it is known whether a cancel takes place that is on its way to the store, its own or that of a job above;
   * undefined when there is none.
   */
  get undecided(): Promise<void> | undefined {
    return this.#cancellation?.undecided ?? this.#job.family.undecided;
  }

  /** Whether its agent may be started again, should the runtime stop now. */
  get mayRunAgain(): boolean {
    const { attempt, identity, events } = this.#job;
    // An attempt that has not begun uses nothing up.
    const used = attempt > 1 && this.#state.isPending ? attempt - 1 : attempt;
    return this.#state.live && used < identity.attempts && !events.streamed && !this.#cancelled;
  }

  /** Aborts when the job has to stop: cancelled, timed out, ended in any way. */
  get signal(): AbortSignal {
    return this.#stop.signal;
  }

  /** What its agent does when the signal aborts belongs to this flow of the program, and not to that of whoever stops it. */
  stopsWithin(flow: (stop: () => void) => void): void {
    this.#stop.within(flow);
  }

  /** How it ended, as its log tells it; undefined before, and when it is lost or left to the next process. */
  get ending(): Ending | undefined {
    return this.#state.loss === undefined ? this.#ending : undefined;
  }

  /** The `job_seq` of the terminal record; infinite before there is one. */
  get terminalSeq(): number {
    return this.#terminalSeq;
  }

  /** The job is accepted for good: its clocks run, from the first acceptance on (R-7.3-6). */
  accept(): void {
    this.#accepted = true;
    if (!this.#state.live) return;
    const { authority, identity } = this.#job;
    authority.watchExpiry(this.#deadlines);
    const { maxRuntimeSec: seconds, acceptedAt } = identity;
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
    const { attempt, identity, events } = this.#job;
    const again = `restarted after the runtime stopped, attempt ${attempt}`;
    const message = attempt > 1 ? { message: again } : {};
    void events.emit("status", { phase: "running", ...message }, "event", true);
    this.#log.enter("running");
    const { stallSec } = identity;
    if (stallSec !== undefined) {
      this.#deadlines.watchStall(stallSec, () => this.end(stalled(stallSec)));
    }
    return true;
  }

  /** Ends the job, unless it has ended. @returns whether this ending won (J3) */
  end(ending: Ending): boolean {
    if (!this.#state.live || this.#cancellation?.holdsBack(ending)) return false;
    if (this.#state.leaving !== undefined && ending.status === "error" && !this.#cancelled) {
      void this.#leave();
      return false;
    }
    const final =
      this.#cancellation?.ending ?? this.#job.authority.doom ?? this.#unlessStopped(ending);
    this.#finish(final);
    return final === ending;
  }

  /** Who fails because a job above was asked to stop, and told this one, has not failed: it is cancelled with that one (R-10-6). */
  #unlessStopped(ending: Ending): Ending {
    return ending.status === "error" && this.#stop.given ? parentEnded() : ending;
  }

  #finish(ending: Ending): void {
    const { costs, family } = this.#job;
    // Their last costs are charged before the last word on this budget (R-10-6).
    family.orphanChildren();
    this.#ending = this.#log.end(ending, () => costs.sayRest());
    this.#terminalSeq = this.#log.nextSeq - 1;
    const { status } = this.#ending;
    this.#state.end(status);
    this.#halt(() => stopReason(ending));
    this.#log.enter(status);
  }

  /**
   * Its parent is over: it ends at once, whatever it is waiting for (R-10-6).
   * @param isAnnounced whether its parent's log tells of it, or will; else it says nothing itself, since it may never have been
   */
  orphan(isAnnounced: boolean): void {
    if (!this.#accepted) this.discard();
    else if (!this.#state.live) return;
    else if (isAnnounced) this.#finish(parentEnded());
    else this.lose(new Error("the log that should record it is lost"), "refused");
  }

  /**
   * Resolves when its end, if it has come, is durable: what is said of it afterwards is final.
   * @throws ArcpError `INTERNAL_ERROR` when another runtime has taken the job over
   */
  async settled(): Promise<void> {
    if (!this.#state.live) await this.#state.over;
    if (this.#state.loss === "fenced") throw takenOver(this.#job.identity.id);
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
    if (this.#state.live) {
      this.#cancellation ??= new Cancellation({
        state: this.#state,
        log: this.#log,
        deadlines: this.#deadlines,
        secrets: this.#job.secrets,
        observed: this.#job.observed,
        signal: (why) => this.stop(why),
        end: (ending) => this.end(ending),
      });
      if (await this.#cancellation.ask(reason, () => acknowledge(undefined), grace)) return;
    }
    await this.settled();
    if (this.#state.leaving !== undefined) throw shuttingDown();
    const { durable: status } = this.#state;
    acknowledge(isTerminal(status) ? status : undefined);
  }

  /**
   * Stops the agent without an end: the next process runs it again. Its operations are refused from now on; what it says
   * and spends counts until it has stopped or its time is over, and should it succeed after all, so does its result. A job
   * whose cancel was asked for is left alone. Resolves when all of that is durable.
   * @param grace milliseconds that the agent has to stop
   */
  async suspend(reason: string, grace: number): Promise<void> {
    if (!this.#state.live || this.#cancelled) return;
    this.#state.askToLeave();
    this.stop(() => new ArcpError("INTERNAL_ERROR", reason));
    if (grace > 0 && this.#state.isRunning) this.#deadlines.after(grace, () => void this.#leave());
    else void this.#leave();
    await this.#state.over;
  }

  /** Asks its agent and those of its descendants to stop. */
  stop(reason: () => ArcpError): void {
    this.#stop.stop(reason);
    this.#job.family.stopChildren(reason);
  }

  /** From here on the job is the next process's. */
  async #leave(): Promise<void> {
    if (this.#state.leaving !== "asked" || !this.#state.live) return;
    const { events, checkpoints, family } = this.#job;
    family.orphanChildren();
    this.#state.leave();
    this.#halt(shuttingDown);
    // A log that is lost has said so already.
    await events.flush().catch(() => {});
    await checkpoints.settled;
    this.#state.left();
  }

  /** The log is lost: nothing can be told any more, so the agent has to stop. */
  lose(error: Error, loss: LogLoss): void {
    if (this.#state.loss !== undefined) return;
    const { identity, family } = this.#job;
    family.orphanChildren(this.#log.durable);
    this.#context.logger.error(
      { job: identity.id, err: error },
      "a job lost its log and is stopped",
    );
    this.#state.lose(loss, this.#cancellation?.acknowledged ? "cancelled" : "error");
    this.#halt(() => new ArcpError("INTERNAL_ERROR", "the job's log is lost"));
  }

  /** Nothing more comes of this attempt. */
  #halt(reason: () => ArcpError): void {
    const { identity, costs, family } = this.#job;
    this.#deadlines.stop();
    costs.budget.close();
    family.leave();
    this.#context.credentials.revoke(identity.id);
    this.#stop.stop(reason);
  }
}
