import type { JobId, SessionId } from "@arcp/core";
import { AcceptanceOrder, comparePlaces, type Place } from "./acceptance-order.ts";
import type { JobChange, JobIndex, JobQuery, JobRow, ListedJob } from "./job-index.ts";
import { fitsQuery } from "./job-query.ts";
import type { LoggedJobs } from "./memory-logs.ts";

/** The list of all jobs, in memory. */
export class MemoryJobs implements JobIndex, LoggedJobs {
  readonly #rows = new Map<JobId, JobRow>();
  readonly #all = new AcceptanceOrder();
  /** What a principal lists: its own, however many there are of others. */
  readonly #byPrincipal = new Map<string, AcceptanceOrder>();
  /** The ids by session: a session that goes asks for its own jobs, however many others there are. */
  readonly #bySession = new Map<SessionId, Set<JobId>>();

  async insert(row: JobRow): Promise<void> {
    this.#put(row);
  }

  async update(id: JobId, change: JobChange): Promise<void> {
    this.change(id, change);
  }

  async get(id: JobId): Promise<JobRow | undefined> {
    return this.#rows.get(id);
  }

  async list(query: JobQuery): Promise<readonly ListedJob[]> {
    const listed: ListedJob[] = [];
    for (const { id } of this.#candidates(query)) {
      if (listed.length >= query.limit) break;
      const row = this.#rows.get(id);
      if (row === undefined || !fitsQuery(row, query)) continue;
      const { input: _, checkpoint: __, ...kept } = row;
      listed.push(kept);
    }
    return listed;
  }

  async remove(id: JobId): Promise<void> {
    this.#drop(id);
  }

  change(id: JobId, change: JobChange): void {
    const row = this.#rows.get(id);
    if (row === undefined) return;
    // Nearly all of them leave its places in all orders as they are.
    if (change.session === undefined && change.submittedIn === undefined) {
      this.#rows.set(id, { ...row, ...change });
    } else this.#put({ ...row, ...change });
  }

  principalOf(id: JobId): string | undefined {
    return this.#rows.get(id)?.principal;
  }

  /** In the order in which they were accepted. */
  #candidates({ principal, session, submittedIn = session, after }: JobQuery): Iterable<Place> {
    if (submittedIn !== undefined) {
      const ids = [...(this.#bySession.get(submittedIn) ?? [])];
      return ids.flatMap((id) => this.#rows.get(id) ?? []).sort(comparePlaces);
    }
    const order = principal === undefined ? this.#all : this.#byPrincipal.get(principal);
    return order?.from(after) ?? [];
  }

  #put(row: JobRow): void {
    const { id, session, submittedIn = session, principal, acceptedAt } = row;
    this.#drop(id);
    const place = { id, acceptedAt };
    const own = this.#byPrincipal.get(principal) ?? new AcceptanceOrder();
    this.#byPrincipal.set(principal, own);
    for (const order of [this.#all, own]) order.add(place);
    this.#rows.set(id, row);
    this.#file(session, id);
    if (submittedIn !== session) this.#file(submittedIn, id);
  }

  #file(session: SessionId, id: JobId): void {
    const siblings = this.#bySession.get(session) ?? new Set();
    this.#bySession.set(session, siblings.add(id));
  }

  #drop(id: JobId): void {
    const row = this.#rows.get(id);
    if (row === undefined) return;
    this.#rows.delete(id);
    this.#all.remove(row);
    const own = this.#byPrincipal.get(row.principal);
    own?.remove(row);
    if (own?.isEmpty) this.#byPrincipal.delete(row.principal);
    for (const key of [row.session, row.submittedIn ?? row.session]) {
      const siblings = this.#bySession.get(key);
      siblings?.delete(id);
      if (siblings?.size === 0) this.#bySession.delete(key);
    }
  }
}
