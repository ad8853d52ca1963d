import type { JobId, SessionId } from "@arcp/core";
import { restartJob } from "./agents/restart.ts";
import type { Archive } from "./archive.ts";
import type { AnnouncedChildren } from "./jobs/announced-children.ts";
import { takenOver } from "./jobs/ending.ts";
import { headOf } from "./jobs/log-tail.ts";
import type { PostponedWork, Work } from "./jobs/postponed-work.ts";
import { type Restart, recoverJob, recoverJobs } from "./jobs/recovery.ts";
import { endedJob, StoredJobs } from "./jobs/stored-jobs.ts";
import { endDamaged } from "./jobs/written-end.ts";
import { inLanes } from "./lanes.ts";
import type { Lineage } from "./lineage.ts";
import type { DamagedJob, JobQuery } from "./store/index.ts";
import { Patience, Refusal } from "./store/patience.ts";
import { retried } from "./store/retry.ts";
import type { Services } from "./verbs/services.ts";

/** Jobs loaded from the store per page. */
const PAGE = 256;

/** Logs of finished jobs read at a time. */
const READ_AT_ONCE = 32;

/** What starting an agent again costs of the turn's budget. */
const START_STEPS = 8;

export interface TakeoverOptions {
  readonly services: Services;
  readonly archive: Pick<Archive, "keep" | "dismiss">;
  readonly postponed: Pick<PostponedWork, "add">;
}

/** Takes over what the previous process left in the store. */
export class Takeover {
  readonly #services: Services;
  readonly #archive: Pick<Archive, "keep" | "dismiss">;
  readonly #postponed: Pick<PostponedWork, "add">;

  constructor({ services, archive, postponed }: TakeoverOptions) {
    this.#services = services;
    this.#archive = archive;
    this.#postponed = postponed;
  }

  /**
   * Recovers all jobs and sessions (R-6.3-20, R-7.3-10).
   * @throws what the store rejects calls with, if it rejects all
   */
  async run(): Promise<void> {
    const { store, sessions, logger, clock, committer } = this.#services;
    const begun = clock.monotonic();
    const { starts, refused, count } = await recoverJobs(this.#services, this.#restart);
    const stored = await this.#stored();
    const restored = await sessions.restore(stored);
    const halfGone = await this.#halfGone(stored);
    for (const { job, age } of stored.ended()) {
      await committer.turn.spend("answering", 1);
      if (halfGone.has(job.id)) this.#archive.dismiss(job);
      else this.#archive.keep(job, age);
    }
    for (const start of starts) {
      await committer.turn.spend("answering", START_STEPS);
      start();
    }
    for (const id of refused) {
      const lineage = stored.lineageOf(id);
      const work: Work = (announced) => this.#recoverLate(id, lineage, announced);
      this.#postponed.add(id, work, { log: id });
    }
    await sessions.awaitReturns();
    const ms = Math.round(clock.monotonic() - begun);
    const taken = { jobs: count, restarted: starts.length, sessions: restored, ms };
    if (store.durable) logger.info(taken, "what the previous process left is taken over");
  }

  readonly #restart: Restart = (row, head) => restartJob(this.#services, row, head);

  /** Recovers a job that could not be recovered at the start. */
  async #recoverLate(id: JobId, lineage: Lineage, announced: AnnouncedChildren): Promise<void> {
    const { store, clock, jobs, sessions, logger } = this.#services;
    // Another session may own it by now.
    const row = await store.jobs.get(id);
    const recovered = row && (await recoverJob(this.#services, row, announced, this.#restart));
    if (recovered === "fenced") return sessions.lost(id, takenOver(id));
    const ended = recovered === "over" ? await store.jobs.get(id) : undefined;
    if (ended !== undefined) this.#archive.keep({ ...endedJob(clock, ended), lineage });
    const adopter = jobs.unstrand(id);
    const isThere = (session: SessionId) => sessions.get(session) !== undefined;
    if (adopter !== undefined) jobs.adopt(id, adopter, isThere);
    if (typeof recovered === "function") recovered();
    logger.warn({ job: id }, "a job that could not be recovered at the start is settled now");
    sessions.readOn(id);
  }

  /** Loads what is stored of all jobs, and ends the ones that cannot be read. */
  async #stored(): Promise<StoredJobs> {
    const { store, clock, logger, committer } = this.#services;
    const stored = new StoredJobs(clock);
    const damaged: DamagedJob[] = [];
    for (let after: JobQuery["after"]; ; ) {
      // The program that hosts the runtime may have other work to do (J4).
      await committer.turn.alone();
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
    const patience = new Patience(clock, store.logs);
    for (const job of damaged) {
      const { id, error: err } = job;
      logger.error({ job: id, err }, "a job cannot be read: it is no longer listed");
      const refused = await patience.retried(() => endDamaged(this.#services, job));
      if (refused instanceof Refusal) {
        const text = "a damaged job has no end: the store accepts none";
        logger.error({ job: id, err: refused.cause }, text);
      }
      stored.addDamaged(job);
    }
    return stored;
  }

  /**
   * The jobs whose removal was interrupted, and which have to go before others of their principals. By the stored order other ones
   * could be removed instead.
   */
  async #halfGone(stored: StoredJobs): Promise<ReadonlySet<JobId>> {
    const { store, clock, limits, committer } = this.#services;
    const gone = new Set<JobId>();
    const patience = new Patience(clock, store.logs);
    await inLanes(READ_AT_ONCE, stored.surplus(limits.finishedJobsPerPrincipal), async (id) => {
      await committer.turn.spend("answering", 1);
      // A log that is refused is not known to be gone.
      if ((await patience.retried(() => headOf(id, store.logs))) === 0) gone.add(id);
    });
    return gone;
  }
}
