import { type Clock, checkOptions, type OptionRules, rule } from "@arcp/core";
import type { Logger } from "pino";
import { cancelled } from "./jobs/ending.ts";
import type { Job } from "./jobs/job.ts";
import type { Quota } from "./jobs/quota.ts";
import type { JobTable } from "./jobs/table.ts";
import { Sequence } from "./session/sequence.ts";
import type { Turn } from "./turn.ts";

/** How long a closing runtime waits for its jobs. */
export interface CloseOptions {
  /** Seconds that running jobs have to finish; no new ones are accepted meanwhile. Default 0. */
  readonly finishSec?: number | undefined;
  /** Seconds that the agents of unfinished jobs have to stop, once these are cancelled. Default 0. */
  readonly cancelSec?: number | undefined;
}

export interface ShutdownContext {
  readonly clock: Clock;
  readonly logger: Logger;
  readonly jobs: JobTable;
  readonly quota: Quota;
  readonly turn: Pick<Turn, "spend">;
  /** Whether the next process will find in the store what this one leaves. */
  readonly durable: boolean;
}

const RULES: OptionRules<CloseOptions> = { finishSec: rule.wait, cancelSec: rule.wait };

/** @throws LocalError `MISUSE` for an unknown option, or an invalid time */
export function checkCloseOptions(options: CloseOptions): void {
  checkOptions("close", options, RULES);
}

const SHUTDOWN = { reason: "the runtime shuts down" };

/** Milliseconds that each last step may take: a store, a token check or a client may never settle. */
export const PATIENCE = 5000;

/** What releasing a job costs of the turn's budget. */
const JOB_STEPS = 4;

/**
 * Ends the jobs of a runtime that closes. Jobs may finish; those that do not are cancelled, or left to the next process if it can
 * run them again.
 */
export class Shutdown {
  readonly #context: ShutdownContext;
  readonly #hurried = Promise.withResolvers<void>();
  /** Releases jobs one after the other. */
  readonly #queue = new Sequence();

  constructor(context: ShutdownContext) {
    this.#context = context;
  }

  /** Stops waiting for agents. */
  hurry(): void {
    this.#hurried.resolve();
  }

  async endJobs({ finishSec = 0, cancelSec = 0 }: CloseOptions): Promise<void> {
    const { jobs, quota } = this.#context;
    await this.#patiently(finishSec * 1000, quota.emptied());
    jobs.each((job) => void this.#letGo(job, cancelSec * 1000));
    await this.#patiently(cancelSec * 1000, quota.emptied());
    jobs.each((job) => void this.#letGo(job, 0));
    await this.within(PATIENCE, quota.emptied());
  }

  /** Waits for work to settle, up to a time limit. */
  within(ms: number, work: Promise<unknown>): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>();
    const timer = this.#context.clock.after(ms, resolve);
    const done = (): void => {
      timer.cancel();
      resolve();
    };
    work.then(done, done);
    return promise;
  }

  /** Waits for agents to finish, unless {@link hurry} is called. */
  async #patiently(ms: number, work: Promise<unknown>): Promise<void> {
    if (ms > 0) await this.within(ms, Promise.race([work, this.#hurried.promise]));
  }

  async #letGo(job: Job, grace: number): Promise<void> {
    if (!job.live) return;
    // There may be any number of jobs, and clients are still watching (J4).
    await this.#queue.run(() => this.#context.turn.spend("answering", JOB_STEPS));
    if (!job.live) return;
    if (this.#context.durable && job.life.mayRunAgain)
      return job.life.suspend(SHUTDOWN.reason, grace);
    try {
      await job.life.cancel(SHUTDOWN, () => {}, grace);
      // It may have been cancelled before, with a longer grace period.
      if (grace === 0) job.life.end(cancelled(SHUTDOWN));
    } catch (error) {
      this.#context.logger.error({ job: job.id, err: error }, "a job could not be cancelled");
    }
  }
}
