import type { JobId } from "@arcp/core";
import type { Announcement } from "./announcement.ts";
import { acceptanceOf } from "./jobs/acceptance.ts";
import type { Session } from "./session/session.ts";
import type { Stream } from "./session/stream.ts";
import type { JobIndex, Role } from "./store/index.ts";
import type { Turn } from "./turn.ts";

/** What looking up a job's row costs of the turn's budget. */
const ROW_STEPS = 4;

/**
 * The acceptances to repeat to a client that has seen everything up to `after`: those of jobs of which it has seen nothing yet, or
 * nothing as their owner (R-6.3-8). They precede the jobs' events, which a client cannot attribute before it knows the job
 * (R-7.2-8).
 */
export class MissedAcceptances {
  readonly #session: Pick<Session, "stream" | "submits">;
  readonly #after: number;
  /** Those that only the store remembers, as far as they were looked up; undefined for a job that it no longer has. */
  readonly #stored = new Map<JobId, Announcement | undefined>();

  constructor(session: Pick<Session, "stream" | "submits">, after: number) {
    this.#session = session;
    this.#after = after;
  }

  /** All of them, as far as they are known. */
  list(): Announcement[] {
    const { stream, submits } = this.#session;
    // An acceptance that still waits for the store is sent once what it announces is durable (J2).
    const unsaid = [...unseen(stream, this.#after).keys()].filter((job) => !submits.isGiving(job));
    return unsaid.flatMap((job) => submits.acceptance(job) ?? this.#stored.get(job) ?? []);
  }

  /** Whether some still have to be looked up. To be asked again after that: more jobs may have been accepted meanwhile. */
  get areUnknown(): boolean {
    return this.#unknown().length > 0;
  }

  async lookUp(index: JobIndex, turn: Pick<Turn, "spend">): Promise<void> {
    const { stream, submits } = this.#session;
    for (const [job, { begins }] of this.#unknown()) {
      // There may be any number of jobs (J4).
      await turn.spend("answering", ROW_STEPS);
      const row = await index.get(job);
      const said = submits.remembered(job);
      // A client that came to own the job later may get only the rest of its records (P3).
      const isCut =
        begins !== undefined && begins > 1 && stream.journal.reached(job, this.#after) === 0;
      const { request = row?.request, truncated = isCut } = said ?? {};
      this.#stored.set(job, row && acceptanceOf({ ...row, request }, truncated));
    }
  }

  #unknown(): Array<[JobId, Unseen]> {
    const { stream, submits } = this.#session;
    return [...unseen(stream, this.#after)].filter(([job, { role }]) => {
      if (this.#stored.has(job) || submits.isGiving(job)) return false;
      if (submits.acceptance(job) !== undefined) return false;
      // If the previous process let a submit merely watch an existing job, a repetition of that submit is decided again.
      return role === "owner" || submits.remembered(job) !== undefined;
    });
  }
}

/** How a client encounters a job it has not seen. */
interface Unseen {
  readonly role: Role;
  /** The `job_seq` of the first record that it will be sent; undefined if unknown. */
  readonly begins: number | undefined;
}

function unseen({ journal, attachments }: Stream, after: number): Map<JobId, Unseen> {
  // Looks only at what the client missed, so the cost depends on that and not on all the session's jobs.
  const begins = new Map<JobId, number | undefined>();
  for (const { job, jobFrom, said } of journal.runs(after + 1, journal.issued)) {
    begins.set(job, begins.get(job) ?? (said === undefined ? jobFrom : undefined));
  }
  for (const { job, cursor } of attachments) begins.set(job, begins.get(job) ?? cursor + 1);
  const unseen = new Map<JobId, Unseen>();
  for (const [job, first] of begins) {
    const now = attachments.get(job)?.role;
    const role = now === "owner" ? now : (journal.roleUpTo(job, journal.issued) ?? now);
    if (role !== undefined && journal.roleUpTo(job, after) !== role) {
      unseen.set(job, { role, begins: first });
    }
  }
  return unseen;
}
