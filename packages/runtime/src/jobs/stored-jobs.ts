import type { Clock } from "@arcp/core";
import { isTerminal, type JobId, type SessionId } from "@arcp/core";
import type { Lineage } from "../lineage.ts";
import type { DamagedJob, ListedJob } from "../store/index.ts";
import { KEY_LIFETIME, keyedUntil } from "./idempotency.ts";
import type { EndedJob } from "./retention.ts";

/** A job that the previous process ended. */
interface Ended {
  readonly job: Omit<EndedJob, "lineage">;
  /** Milliseconds since its end. */
  readonly age: number;
}

/** A job that has ended, from its row. */
export function endedJob(clock: Clock, row: ListedJob): Omit<EndedJob, "lineage"> {
  const { id, principal, session, lease } = row;
  const keepUntil = row.keepUntil && keyedUntil(clock, row.keepUntil);
  return { id, principal, session, keepUntil, size: JSON.stringify(lease).length };
}

/** The jobs in the store when a runtime opens it, after those that were live have got an end or another attempt. */
export class StoredJobs {
  readonly #clock: Clock;
  readonly #now: number;
  readonly #ids = new Set<JobId>();
  readonly #parents = new Map<JobId, JobId>();
  readonly #delegated = new Set<JobId>();
  readonly #bySession = new Map<SessionId, JobId[]>();
  readonly #ended: Ended[] = [];

  constructor(clock: Clock) {
    this.#clock = clock;
    this.#now = clock.now();
  }

  add(row: ListedJob): void {
    const { id, session, parent, request, status } = row;
    this.#own(id, session);
    if (parent !== undefined) this.#parents.set(id, parent);
    if (parent !== undefined && request === undefined) this.#delegated.add(id);
    if (isTerminal(status)) this.#end(endedJob(this.#clock, row), row.finishedAt);
  }

  /** A job whose row cannot be read and whose log has an end by now; its owner still has to learn of that. */
  addDamaged({ id, session, finishedAt, acceptedAt = this.#now, error }: DamagedJob): void {
    this.#own(id, session);
    // Whether it had a key cannot be read either.
    const keepUntil = keyedUntil(this.#clock, acceptedAt + KEY_LIFETIME);
    this.#end({ id, principal: error.principal, session, keepUntil, size: 0 }, finishedAt);
  }

  has(job: JobId): boolean {
    return this.#ids.has(job);
  }

  /** The jobs that a session owns, whether it has read them or not. */
  ownedBy(session: SessionId): readonly JobId[] {
    return this.#bySession.get(session) ?? [];
  }

  /** Whether the job's owner learns of it from the record in its parent's log. */
  isDelegated(job: JobId): boolean {
    return this.#delegated.has(job);
  }

  /**
   * The jobs that have ended, the one that ended first in front.
   * @returns each with its age since the end in milliseconds
   */
  *ended(): Generator<{ job: EndedJob; age: number }> {
    for (const { job, age } of this.#ended.toSorted((a, b) => b.age - a.age)) {
      yield { job: { ...job, lineage: this.lineageOf(job.id) }, age };
    }
  }

  /** The ended jobs of the principals that have more than `most`. */
  surplus(most: number): JobId[] {
    const byPrincipal = Map.groupBy(this.#ended, ({ job }) => job.principal);
    const full = [...byPrincipal.values()].filter(({ length }) => length > most);
    return full.flatMap((jobs) => jobs.map(({ job }) => job.id));
  }

  lineageOf(job: JobId): Lineage {
    return [...this.#lineOf(job)];
  }

  #own(id: JobId, session: SessionId | undefined): void {
    this.#ids.add(id);
    if (session === undefined) return;
    const siblings = this.#bySession.get(session);
    if (siblings === undefined) this.#bySession.set(session, [id]);
    else siblings.push(id);
  }

  #end(job: Ended["job"], finishedAt = this.#now): void {
    this.#ended.push({ job, age: Math.max(0, this.#now - finishedAt) });
  }

  *#lineOf(job: JobId): Generator<Lineage[number]> {
    for (
      let above = this.#parents.get(job);
      above !== undefined;
      above = this.#parents.get(above)
    ) {
      yield { job: above, announcedAt: Number.POSITIVE_INFINITY };
    }
  }
}
