import { ArcpError, isTerminal, type TerminalStatus } from "@arcp/core";
import type { Secrets } from "../authority/secrets.ts";
import type { JobObservation } from "../observation.ts";
import type { Cancel } from "../store/index.ts";
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
  /** The job whose life this is. */
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
 * The life of a job from its acceptance to its end: what starts it, what may stop it, and which of its endings counts.
 *
 * - **J3** Exactly one terminal record, and it is the last. The first ending wins; whoever comes later is told so.
 */
export class JobLife {
  readonly #job: Living;
  readonly #state: JobState;
  readonly #log: JobLog;
  readonly #deadlines: Deadlines;
  readonly #context: JobContext;
  readonly #stop = new StopSignal();
  /** Created on first use. */
  #cancellation: Cancellation | undefined;
  #accepted = false;
  /** The ending, once it is decided. */
  #ending: Ending | undefined;
  #terminalSeq = Number.POSITIVE_INFINITY;

  constructor({ job, state, log, deadlines, context }: JobLifeOptions) {
    this.#job = job;
    this.#state = state;
    this.#log = log;
    this.#deadlines = deadlines;
    this.#context = context;
  }

  /** Whether the job may still act: neither it nor an ancestor has ended or was asked to stop. */
  get active(): boolean {
    const { live, leaving } = this.#state;
    return live && !this.#cancelled && leaving === undefined && this.#job.family.active;
  }

  get #cancelled(): boolean {
    return this.#cancellation?.asked ?? false;
  }

  /** Settles when a pending cancel, of this job or an ancestor, has taken place or failed; undefined if none is pending. */
  get undecided(): Promise<void> | undefined {
    return this.#cancellation?.undecided ?? this.#job.family.undecided;
  }

  /** Whether its agent could be started again if the runtime stopped now. */
  get mayRunAgain(): boolean {
    const { attempt, identity, events } = this.#job;
    // An attempt that has not begun does not count.
    const used = attempt > 1 && this.#state.isPending ? attempt - 1 : attempt;
    return this.#state.live && used < identity.attempts && !events.streamed && !this.#cancelled;
  }

  /** Aborts when the job has to stop: cancelled, timed out, or ended in any other way. */
  get signal(): AbortSignal {
    return this.#stop.signal;
  }

  /** Sets the async context in which the agent's abort handlers run, instead of that of whoever stops the job. */
  stopsWithin(flow: (stop: () => void) => void): void {
    this.#stop.within(flow);
  }

  /** How the job ended according to its log; undefined before, and if the job was lost or left to the next process. */
  get ending(): Ending | undefined {
    return this.#state.loss === undefined ? this.#ending : undefined;
  }

  /** The `job_seq` of the terminal record; infinite before that. */
  get terminalSeq(): number {
    return this.#terminalSeq;
  }

  /** The job is finally accepted: starts its timers, which count from the first acceptance (R-7.3-6). */
  accept(): void {
    this.#accepted = true;
    if (!this.#state.live) return;
    const { authority, identity } = this.#job;
    authority.watchExpiry(this.#deadlines);
    const { maxRuntimeSec: seconds, acceptedAt } = identity;
    if (seconds === undefined) return;
    this.#deadlines.limitRuntime(seconds, acceptedAt, () => this.end(timedOut(seconds)));
  }

  /** The job is not accepted after all: leaves nothing behind. */
  discard(): void {
    this.#state.leave();
    this.#halt(() => new ArcpError("INTERNAL_ERROR", "the job was not accepted"));
  }

  /** Starts the run. @returns whether the job may still begin */
  begin(): boolean {
    if (!this.active || !this.#state.begin()) return false;
    const { attempt, identity, events } = this.#job;
    const again = `restarted after the runtime stopped, attempt ${attempt}`;
    const message = attempt > 1 ? { message: again } : {};
    void events.say("status", { phase: "running", ...message });
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
    // Charges the children's last costs before the final report on this budget (R-10-6).
    family.orphanChildren();
    this.#ending = this.#log.end(ending, () => costs.sayRest());
    this.#terminalSeq = this.#log.nextSeq - 1;
    const { status } = this.#ending;
    this.#state.end(status);
    this.#halt(() => stopReason(ending));
    this.#log.enter(status);
  }

  /**
   * Ends the job immediately because its parent is over, whatever it is waiting for (R-10-6).
   * @param isAnnounced whether the parent's log announces the job, or will; otherwise the job writes nothing, because it may never
   *   have existed
   */
  orphan(isAnnounced: boolean): void {
    if (!this.#accepted) this.discard();
    else if (!this.#state.live) return;
    else if (isAnnounced) this.#finish(parentEnded());
    else this.lose(new Error("the log that should record it is lost"), "refused");
  }

  /**
   * Resolves when its end, if there is one, is durable and can be reported as final.
   * @throws ArcpError `INTERNAL_ERROR` if another runtime has taken the job over
   */
  async settled(): Promise<void> {
    if (!this.#state.live) await this.#state.over;
    if (this.#state.loss === "fenced") throw takenOver(this.#job.identity.id);
  }

  /**
   * Cancels the job: makes the request durable, acknowledges it, then signals the agent. From the first moment on
   * no other ending can win (R-7.4-1, R-7.4-2).
   * @param acknowledge called once the request is durable; with the final state if the job had ended before
   * @param grace milliseconds that the agent has to stop
   * @throws ArcpError `INTERNAL_ERROR` if the job is left to the next process, or another runtime has taken it over
   */
  async cancel(
    cancel: Cancel,
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
      if (await this.#cancellation.ask(cancel, () => acknowledge(undefined), grace)) return;
    }
    await this.settled();
    if (this.#state.leaving !== undefined) throw shuttingDown();
    const { durable: status } = this.#state;
    acknowledge(isTerminal(status) ? status : undefined);
  }

  /**
   * Stops the agent without ending the job, which the next process runs again. New operations are refused from now on. What the
   * agent emits and spends counts until it stops or its time is over; if it succeeds after all, so does its result. Has no effect
   * once a cancel was requested. Resolves when all of that is durable.
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

  /** Signals the agents of the job and its descendants to stop. */
  stop(reason: () => ArcpError): void {
    this.#stop.stop(reason);
    this.#job.family.stopChildren(reason);
  }

  /** Leaves the job to the next process. */
  async #leave(): Promise<void> {
    if (this.#state.leaving !== "asked" || !this.#state.live) return;
    const { events, checkpoints, family } = this.#job;
    family.orphanChildren();
    this.#state.leave();
    this.#halt(shuttingDown);
    // If the log is lost, that has already been reported.
    await events.flush().catch(() => {});
    await checkpoints.settled;
    this.#state.left();
  }

  /** The log is lost: nothing can be reported any more, so the agent has to stop. */
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

  /** Ends this attempt: releases everything that it holds. */
  #halt(reason: () => ArcpError): void {
    const { identity, costs, family } = this.#job;
    this.#deadlines.stop();
    costs.budget.close();
    family.leave();
    this.#context.credentials.revoke(identity.id);
    this.#stop.stop(reason);
  }
}
