import { type Clock, isTerminal, type JobId, type SessionId } from "@arcp/core";
import type { Logger } from "pino";
import type { AgentHost } from "./agents/agent-host.ts";
import { restartJob } from "./agents/restart.ts";
import type { AnnouncedChildren } from "./jobs/announced-children.ts";
import { takenOver } from "./jobs/ending.ts";
import type { Job } from "./jobs/job.ts";
import { LateEndings } from "./jobs/late-endings.ts";
import { headOf } from "./jobs/log-tail.ts";
import { type Restart, recoverJob, recoverJobs } from "./jobs/recovery.ts";
import { removeJob } from "./jobs/removal.ts";
import { type EndedJob, Retention } from "./jobs/retention.ts";
import { endedJob, StoredJobs } from "./jobs/stored-jobs.ts";
import type { JobTable } from "./jobs/table.ts";
import { endDamaged } from "./jobs/written-end.ts";
import { inLanes } from "./lanes.ts";
import type { EffectiveLimits } from "./limits.ts";
import type { Lineage } from "./lineage.ts";
import type { Sessions } from "./session/sessions.ts";
import { isClosed } from "./store/closed.ts";
import { unlessDamaged } from "./store/damage.ts";
import type { DamagedJob, JobQuery } from "./store/index.ts";
import { checkAnswers } from "./store/outage.ts";
import type { ReadableStore } from "./store/readable-logs.ts";
import { Patience, retried } from "./store/retry.ts";
import type { Turn } from "./turn.ts";

/** Jobs loaded from the store per page. */
const PAGE = 256;

/** Logs of finished jobs read at a time. */
const READ_AT_ONCE = 32;

/** What starting an agent again costs of the turn's budget. */
const START_STEPS = 8;

export interface ArchiveOptions {
  readonly clock: Clock;
  readonly logger: Logger;
  readonly store: ReadableStore;
  readonly jobs: JobTable;
  readonly sessions: Sessions;
  readonly turn: Pick<Turn, "next">;
  /** How long a finished job is kept, in milliseconds. */
  readonly retention: number;
  readonly limits: Pick<EffectiveLimits, "finishedJobsPerPrincipal" | "liveJobsPerPrincipal">;
}

/** Looks after finished jobs, and after what the previous process left in the store. */
export class Archive {
  readonly #options: ArchiveOptions;
  readonly #retention: Retention;
  readonly #late: LateEndings;
  readonly #removals = new Set<Promise<unknown>>();

  constructor(options: ArchiveOptions) {
    this.#options = options;
    const { clock, turn, retention: ms, limits, jobs, sessions } = options;
    this.#late = new LateEndings({
      ...options,
      ended: (job) => {
        jobs.finish(job);
        sessions.readOn(job.id);
      },
      forgotten: (job) => jobs.forget(job),
      damaged: (job, error) => sessions.lost(job, error),
    });
    this.#retention = new Retention({
      clock,
      turn,
      ms,
      most: limits.finishedJobsPerPrincipal,
      // All live jobs of a principal may finish at the same time, before anybody has read them.
      excess: limits.liveJobsPerPrincipal,
      held: (job) => this.#isRead(job) || sessions.audience.holds(job.id),
      read: (job) => this.#isRead(job),
      remove: (job) => this.#counted(this.#remove(job)),
    });
  }

  /** Starts the retention period of a job that has ended. */
  keep(job: EndedJob): void {
    this.#retention.keep(job);
  }

  /** Whether a principal has so many finished jobs that cannot be removed that it may submit no more (R-7.1-5). */
  isFull(principal: string): boolean {
    return this.#retention.isFull(principal);
  }

  /** The job is over, but neither its own log nor its parent's says so. Whoever waits for its end must still learn of it. */
  lost(job: Job): void {
    if (job.loss === "fenced") this.#options.sessions.lost(job.id, takenOver(job.id));
    // If the log is closed, every client is told of that anyway.
    else if (job.loss !== "closed") this.#late.add(job);
  }

  /** Recovers what the previous process left in the store (R-6.3-20, R-7.3-10). */
  async restore(host: AgentHost): Promise<void> {
    const { store, sessions, logger, clock } = this.#options;
    const begun = clock.monotonic();
    const { turn } = host.committer;
    const { starts, refused, count } = await recoverJobs(host, restarts(host));
    const stored = await this.#stored(turn);
    const restored = await sessions.restore(stored);
    const halfGone = await this.#halfGone(stored, turn);
    for (const { job, age } of stored.ended()) {
      await turn.spend("answering", 1);
      if (halfGone.has(job.id)) this.#retention.dismiss(job);
      else this.#retention.keep(job, age);
    }
    for (const start of starts) {
      await turn.spend("answering", START_STEPS);
      start();
    }
    for (const id of refused) {
      const lineage = stored.lineageOf(id);
      this.#late.addStranded(id, (announced) => this.#recover(host, id, lineage, announced));
    }
    const ms = Math.round(clock.monotonic() - begun);
    const taken = { jobs: count, restarted: starts.length, sessions: restored, ms };
    if (store.durable) logger.info(taken, "what the previous process left is taken over");
  }

  /** Recovers a job that could not be recovered at the start. */
  async #recover(
    host: AgentHost,
    id: JobId,
    lineage: Lineage,
    announced: AnnouncedChildren,
  ): Promise<void> {
    const { store, clock, jobs, sessions, logger } = this.#options;
    // Another session may own it by now.
    const row = await store.jobs.get(id);
    const recovered = row && (await recoverJob(host, row, announced, restarts(host)));
    if (recovered === "stranded") return;
    const ended = recovered === "over" ? await store.jobs.get(id) : undefined;
    if (ended !== undefined) this.#retention.keep({ ...endedJob(clock, ended), lineage });
    const heir = jobs.unstrand(id);
    const isThere = (session: SessionId) => sessions.get(session) !== undefined;
    if (heir !== undefined) jobs.adopt(id, heir, isThere);
    if (typeof recovered === "function") recovered();
    logger.warn({ job: id }, "a job that could not be recovered at the start is recovered");
    sessions.readOn(id);
  }

  async #stored(turn: Turn): Promise<StoredJobs> {
    const { store, clock, logger } = this.#options;
    const stored = new StoredJobs(clock);
    const damaged: DamagedJob[] = [];
    for (let after: JobQuery["after"]; ; ) {
      // The program that hosts the runtime may have other work to do (J4).
      await turn.alone();
      const rows = await retried(clock, async () => {
        const found: DamagedJob[] = [];
        const page = await store.jobs.list({ after, limit: PAGE }, (job) => found.push(job));
        damaged.push(...found);
        return page;
      });
      for (const row of rows) stored.add(row);
      after = rows.at(-1);
      if (rows.length < PAGE) break;
    }
    const patience = new Patience(clock);
    for (const job of damaged) {
      const { id, error: err } = job;
      logger.error({ job: id, err }, "a job cannot be read: it is no longer listed");
      try {
        await patience.retried(() => endDamaged(this.#options, job));
      } catch (error) {
        await checkAnswers(store.logs, error);
        logger.error({ job: id, err: error }, "a damaged job has no end: the store accepts none");
      }
      stored.addDamaged(job);
    }
    return stored;
  }

  /**
   * The jobs whose removal was interrupted, and which have to go before others of their principals. By the stored order other ones
   * could be removed instead.
   */
  async #halfGone(stored: StoredJobs, turn: Turn): Promise<ReadonlySet<JobId>> {
    const { store, clock, limits } = this.#options;
    const gone = new Set<JobId>();
    const patience = new Patience(clock);
    await inLanes(READ_AT_ONCE, stored.surplus(limits.finishedJobsPerPrincipal), async (id) => {
      await turn.spend("answering", 1);
      try {
        const head = await patience.retried(() => headOf(id, store.logs));
        if (head === 0) gone.add(id);
      } catch (error) {
        await checkAnswers(store.logs, error);
      }
    });
    return gone;
  }

  close(): void {
    this.#late.close();
    this.#retention.close();
  }

  /** Resolves once no removal is in progress. Call after {@link close}. */
  async settled(): Promise<void> {
    await Promise.all(this.#removals);
  }

  /** Registers a removal until it settles. */
  #counted<T>(removal: Promise<T>): Promise<T> {
    this.#removals.add(removal);
    return removal.finally(() => this.#removals.delete(removal));
  }

  /** Whether a session still has to read the job, start reading it, or learn that it exists (R-14-3). */
  #isRead({ id, session, lineage }: Pick<EndedJob, "id" | "session" | "lineage">): boolean {
    const { jobs, sessions } = this.#options;
    if (jobs.isExpected(id) || sessions.owes(id, session)) return true;
    return sessions.audience.reads(id) || sessions.audience.awaits(id, lineage);
  }

  /**
   * Removes a finished job and its log. Once the last job of a forgotten session is gone, also removes that session's numbering.
   * @returns whether the job is gone
   */
  async #remove(job: Pick<EndedJob, "id" | "session">): Promise<boolean> {
    const { id } = job;
    const { clock, store, sessions, jobs, logger } = this.#options;
    const remove = async (): Promise<void> => {
      const row = await unlessDamaged(store.jobs.get(id));
      // Another process has taken the job over and still runs it, so it is not ours to remove.
      if (row !== undefined && !isTerminal(row.status)) return;
      const session = row?.session ?? job.session;
      await sessions.audience.release(id);
      await removeJob(store, id);
      sessions.audience.removed(id);
      for (const numbered of new Set([session, row?.submittedIn ?? session])) {
        const gone = numbered !== undefined && sessions.get(numbered) === undefined;
        // Nobody can resume it: the row that names the session is gone by now.
        if (gone && !(await retried(clock, () => hasJobs(jobs, store, numbered)))) {
          await retried(clock, () => store.sessions.removeRuns(numbered));
        }
      }
    };
    try {
      await jobs.removing(id, remove);
      return true;
    } catch (error) {
      // A closed store has already been reported once; do not repeat that for every job.
      const level = isClosed(error) ? "debug" : "error";
      logger[level]({ job: id, err: error }, "a finished job could not be removed yet");
      return false;
    }
  }
}

function restarts(host: AgentHost): Restart {
  return (row, head) => restartJob(host, row, head);
}

/**
 * Whether any job that the session submitted is still kept, whoever owns it now; if so, so is the session's numbering (R-6.3-18).
 */
export async function hasJobs(
  jobs: JobTable,
  store: Pick<ReadableStore, "jobs">,
  session: SessionId,
): Promise<boolean> {
  if (jobs.has(session)) return true;
  for (const query of [{ session }, { submittedIn: session }]) {
    if ((await store.jobs.list({ ...query, limit: 1 })).length > 0) return true;
  }
  return false;
}
