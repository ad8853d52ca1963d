import { type Clock, isTerminal, type SessionId } from "@arcp/core";
import type { Logger } from "pino";
import type { AgentHost } from "./agents/agent-host.ts";
import { restartJob } from "./agents/restart.ts";
import { takenOver } from "./jobs/ending.ts";
import type { Job } from "./jobs/job.ts";
import { LateEndings } from "./jobs/late-endings.ts";
import { headOf } from "./jobs/log-tail.ts";
import { recoverJobs } from "./jobs/recovery.ts";
import { removeJob } from "./jobs/removal.ts";
import { type EndedJob, Retention } from "./jobs/retention.ts";
import { StoredJobs } from "./jobs/stored-jobs.ts";
import type { JobTable } from "./jobs/table.ts";
import { endDamaged } from "./jobs/written-end.ts";
import type { EffectiveLimits } from "./limits.ts";
import type { Sessions } from "./session/sessions.ts";
import { isClosed } from "./store/closed.ts";
import { unlessDamaged } from "./store/damage.ts";
import type { DamagedJob, JobQuery } from "./store/index.ts";
import type { ReadableStore } from "./store/readable-logs.ts";
import { retried } from "./store/retry.ts";
import type { Turn } from "./turn.ts";

/** Jobs that are taken over in one go. */
const PAGE = 256;

export interface ArchiveOptions {
  readonly clock: Clock;
  readonly logger: Logger;
  readonly store: ReadableStore;
  readonly jobs: JobTable;
  readonly sessions: Sessions;
  readonly turn: Pick<Turn, "next">;
  /** Milliseconds that a finished job is kept. */
  readonly retention: number;
  readonly limits: Pick<EffectiveLimits, "finishedJobsPerPrincipal" | "liveJobsPerPrincipal">;
}

/** What is kept of jobs that have ended, and of the process before this one. */
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
      // As many may end at once, and nobody has read them then.
      excess: limits.liveJobsPerPrincipal,
      held: (job) => this.#isRead(job) || sessions.audience.holds(job.id),
      read: (job) => this.#isRead(job),
      remove: (job) => this.#counted(this.#remove(job)),
    });
  }

  /** The job has ended: from now on its retention runs. */
  keep(job: EndedJob): void {
    this.#retention.keep(job);
  }

  /** Whether a principal has too many finished jobs that cannot leave: then it gets no further ones (R-7.1-5). */
  isFull(principal: string): boolean {
    return this.#retention.isFull(principal);
  }

  /** The job is over, and its log, or its parent's, does not say so: whoever waits for its end is to hear of it all the same. */
  lost(job: Job): void {
    if (job.loss === "fenced") this.#options.sessions.lost(job.id, takenOver(job.id));
    // Of a closed one everybody is told.
    else if (job.loss !== "closed") this.#late.add(job);
  }

  /** Takes over what the process before this one left in the store (R-6.3-20, R-7.3-10). */
  async restore(host: AgentHost): Promise<void> {
    const { store, sessions } = this.#options;
    const { turn } = host.committer;
    const startAgents = await recoverJobs(host, (row, head) => restartJob(host, row, head));
    const stored = await this.#stored(turn);
    await sessions.restore(stored);
    const { finishedJobsPerPrincipal: most } = this.#options.limits;
    for (const { job, age, isSurplus } of stored.ended(most)) {
      await turn.spend("answering", 1);
      // A crash came in the middle of its removal. By what is stored another one may have ended before it.
      const isHalfGone = isSurplus && (await headOf(job.id, store.logs)) === 0;
      if (isHalfGone) this.#retention.dismiss(job);
      else this.#retention.keep(job, age);
    }
    startAgents();
  }

  async #stored(turn: Turn): Promise<StoredJobs> {
    const { store, clock, logger } = this.#options;
    const stored = new StoredJobs(clock);
    const damaged: DamagedJob[] = [];
    for (let after: JobQuery["after"]; ; ) {
      // The host of the runtime may have other things to do (J4).
      await turn.alone();
      const rows = await store.jobs.list({ after, limit: PAGE }, (job) => damaged.push(job));
      for (const row of rows) stored.add(row);
      after = rows.at(-1);
      if (rows.length < PAGE) break;
    }
    for (const job of damaged) {
      const { id, error: err } = job;
      logger.error({ job: id, err }, "a job cannot be read: it is no longer listed");
      await endDamaged(this.#options, job);
      stored.addDamaged(job);
    }
    return stored;
  }

  close(): void {
    this.#late.close();
    this.#retention.close();
  }

  /** Resolves once nothing is being removed any more, after {@link close}. */
  async settled(): Promise<void> {
    await Promise.all(this.#removals);
  }

  /** Counts as one of the removals while it is under way. */
  #counted<T>(removal: Promise<T>): Promise<T> {
    this.#removals.add(removal);
    return removal.finally(() => this.#removals.delete(removal));
  }

  /** Whether a session has still to read it, to begin to, or to learn that there is such a job (R-14-3). */
  #isRead({ id, session, lineage }: Pick<EndedJob, "id" | "session" | "lineage">): boolean {
    const { jobs, sessions } = this.#options;
    if (jobs.isExpected(id) || sessions.owes(id, session)) return true;
    return sessions.audience.reads(id) || sessions.audience.awaits(id, lineage);
  }

  /**
   * Forgets a finished job, its log, and with the last of a forgotten session's jobs its numbering.
   * @returns whether it is gone
   */
  async #remove(job: Pick<EndedJob, "id" | "session">): Promise<boolean> {
    const { id } = job;
    const { clock, store, sessions, jobs, logger } = this.#options;
    const remove = async (): Promise<void> => {
      const row = await unlessDamaged(store.jobs.get(id));
      // Somebody else has taken it over, and runs it still: then it is theirs, and has not ended here.
      if (row !== undefined && !isTerminal(row.status)) return;
      const session = row?.session ?? job.session;
      await sessions.audience.release(id);
      await removeJob(store, id);
      sessions.audience.removed(id);
      for (const numbered of new Set([session, row?.submittedIn ?? session])) {
        const gone = numbered !== undefined && sessions.get(numbered) === undefined;
        // Nobody comes back to it: the row that names the session is gone by now.
        if (gone && !(await retried(clock, () => hasJobs(jobs, store, numbered)))) {
          await retried(clock, () => store.sessions.removeRuns(numbered));
        }
      }
    };
    try {
      await jobs.removing(id, remove);
      return true;
    } catch (error) {
      // That a store is closed is told once, and not for every job.
      const level = isClosed(error) ? "debug" : "error";
      logger[level]({ job: id, err: error }, "a finished job could not be removed yet");
      return false;
    }
  }
}

/** Whether any job that the session submitted is still kept, whoever owns it: then its numbering is too (R-6.3-18). */
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
