import type { JobId, SessionId } from "@arcp/core";
import { AcceptanceOrder, type Place } from "./acceptance-order.ts";
import type { JobChange, JobIndex, JobQuery, JobRow, ListedJob } from "./job-index.ts";
import { fitsQuery } from "./job-query.ts";
import type { LoggedJobs } from "./memory-logs.ts";

/** The list of all jobs, in memory. */
export class MemoryJobs implements JobIndex, LoggedJobs {
  readonly #rows = new Map<JobId, JobRow>();
  readonly #all = new AcceptanceOrder();
  /** What a principal lists: its own, however many there are of others. */
  readonly #byPrincipal = new Map<string, AcceptanceOrder>();
  /** A session that goes asks for its own jobs, however many others there are. */
  readonly #bySession = new Map<SessionId, AcceptanceOrder>();
  /** A new owner asks for what a job has delegated, however much it owns besides. */
  readonly #byParent = new Map<JobId, AcceptanceOrder>();

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
  #candidates(query: JobQuery): Iterable<Place> {
    const { principal, session, submittedIn = session, parent, after } = query;
    let order: AcceptanceOrder | undefined = this.#all;
    if (parent !== undefined) order = this.#byParent.get(parent);
    else if (submittedIn !== undefined) order = this.#bySession.get(submittedIn);
    else if (principal !== undefined) order = this.#byPrincipal.get(principal);
    return order?.from(after) ?? [];
  }

  #put(row: JobRow): void {
    const { id, session, submittedIn = session, principal, parent, acceptedAt } = row;
    this.#drop(id);
    const place = { id, acceptedAt };
    this.#rows.set(id, row);
    this.#all.add(place);
    file(this.#byPrincipal, principal, place);
    file(this.#bySession, session, place);
    if (submittedIn !== session) file(this.#bySession, submittedIn, place);
    if (parent !== undefined) file(this.#byParent, parent, place);
  }

  #drop(id: JobId): void {
    const row = this.#rows.get(id);
    if (row === undefined) return;
    const { session, submittedIn = session, principal, parent } = row;
    this.#rows.delete(id);
    this.#all.remove(row);
    take(this.#byPrincipal, principal, row);
    take(this.#bySession, session, row);
    take(this.#bySession, submittedIn, row);
    if (parent !== undefined) take(this.#byParent, parent, row);
  }
}

function file<K>(orders: Map<K, AcceptanceOrder>, key: K, place: Place): void {
  const order = orders.get(key) ?? new AcceptanceOrder();
  orders.set(key, order);
  order.add(place);
}

function take<K>(orders: Map<K, AcceptanceOrder>, key: K, place: Place): void {
  const order = orders.get(key);
  order?.remove(place);
  if (order?.isEmpty) orders.delete(key);
}
