import type { JobId } from "@arcp/core";
import type { Logger } from "pino";
import type { Job } from "./jobs/job.ts";
import type { JobTable } from "./jobs/table.ts";
import type { Session } from "./session/session.ts";
import type { Sessions } from "./session/sessions.ts";
import type { Turn } from "./turn.ts";

/** What cancelling a job costs of the turn's budget. */
const CANCEL_STEPS = 4;

const CANCEL = {
  reason: "nobody came back for the job: its session was not resumed in time",
  details: { reason: "session_ended" },
};

export interface OrphansOptions {
  readonly logger: Logger;
  readonly jobs: JobTable;
  readonly sessions: Sessions;
  readonly turn: Pick<Turn, "spend">;
}

/**
 * Cancels the jobs that nobody comes back for, if the operator chose so (R-6.3-18). A job is an orphan once the last session of its
 * principal that owned or followed it was not resumed in time. The session that adopts a job is one of these (R-7.2-8), and so is
 * one that only observes it because its owner was still there. Viewers of other principals have no say.
 */
export class Orphans {
  readonly #options: OrphansOptions;

  constructor(options: OrphansOptions) {
    this.#options = options;
  }

  /**
   * Resolves once the cancels are durable. Can be called again.
   * @param followed the jobs that the forgotten session has followed
   * @throws Error if the store refused a cancel
   */
  async abandoned(session: Session, followed: readonly JobId[]): Promise<void> {
    const { jobs } = this.#options;
    const { principal } = session;
    await this.#cancelOrphans(principal, followed);
    if (!session.submits.pending) return;
    await session.submits.settled();
    const late = [...jobs].filter((job) => job.session === session.id).map(({ id }) => id);
    await this.#cancelOrphans(principal, late);
  }

  async #cancelOrphans(principal: string, ids: readonly JobId[]): Promise<void> {
    const { jobs, turn } = this.#options;
    const cancels: Promise<boolean>[] = [];
    for (const id of ids) {
      // Nobody waits for that: it may take any time.
      jobs
        .recovered(id)
        ?.then(() => this.#cancelOrphans(principal, [id]))
        .catch(() => {});
      const job = jobs.get(id);
      if (job?.principal !== principal) continue;
      // There may be any number of jobs (J4).
      await turn.spend("answering", CANCEL_STEPS);
      if (this.#isOrphan(job)) cancels.push(this.#cancel(job));
    }
    const isDone = (await Promise.all(cancels)).every(Boolean);
    if (!isDone) throw new Error("the store refused to cancel orphaned jobs");
  }

  #isOrphan({ id, principal, parent, life }: Job): boolean {
    // Delegated jobs end with the one that delegated them (R-10-6).
    if (parent !== undefined || !life.active) return false;
    const { jobs, sessions } = this.#options;
    // A session may be about to adopt it.
    if (jobs.isExpected(id)) return false;
    const followers = sessions.audience.of(id).map((stream) => sessions.get(stream.session));
    return followers.every((follower) => follower?.principal !== principal);
  }

  /** @returns whether it is durable */
  async #cancel(job: Job): Promise<boolean> {
    const { logger } = this.#options;
    const { id, principal } = job;
    try {
      await job.life.cancel(CANCEL, () => {});
      logger.info({ job: id, principal }, "an orphaned job was cancelled");
      return true;
    } catch (error) {
      logger.error({ job: id, err: error }, "an orphaned job could not be cancelled yet");
      return false;
    }
  }
}
