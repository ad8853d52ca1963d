import type { JobId, SessionId } from "@arcp/core";
import { AcceptanceOrder, type Place } from "./acceptance-order.ts";
import type { JobChange, JobIndex, JobQuery, JobRow, ListedJob } from "./job-index.ts";
import { fitsQuery } from "./job-query.ts";
import type { LoggedJobs } from "./memory-logs.ts";
import { STRIDE, Strides } from "./strides.ts";

/** The index of all jobs, in memory. */
export class MemoryJobs implements JobIndex, LoggedJobs {
  readonly #rows = new Map<JobId, JobRow>();
  readonly #all = new AcceptanceOrder();
  /** For a principal's listing, whose cost must not depend on the number of others' jobs. */
  readonly #byPrincipal = new Map<string, AcceptanceOrder>();
  /** For the jobs of a session that ends, however many other jobs there are. */
  readonly #bySession = new Map<SessionId, AcceptanceOrder>();
  /** For the children of an adopted job, however many jobs the new owner has. */
  readonly #byParent = new Map<JobId, AcceptanceOrder>();
  readonly #strides = new Strides();

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
    let last = this.#stride(query, query.after, listed);
    while (last !== undefined) {
      await this.#strides.next();
      last = this.#stride(query, last, listed);
    }
    return listed;
  }

  /** Checks some more jobs. @returns after which job to continue; undefined if there is nothing left or the limit is reached */
  #stride(query: JobQuery, after: Place | undefined, listed: ListedJob[]): Place | undefined {
    let looked = 0;
    for (const place of this.#candidates({ ...query, after })) {
      if (listed.length >= query.limit) return undefined;
      const row = this.#rows.get(place.id);
      if (row !== undefined && fitsQuery(row, query)) {
        const { input: _, checkpoint: __, ...kept } = row;
        listed.push(kept);
      }
      looked += 1;
      if (looked === STRIDE) return place;
    }
    return undefined;
  }

  async remove(id: JobId): Promise<void> {
    this.#drop(id);
  }

  change(id: JobId, change: JobChange): void {
    const row = this.#rows.get(id);
    if (row === undefined) return;
    const next = { ...row, ...change };
    this.#rows.set(id, next);
    // All other orders depend on fields that never change.
    if (change.session === undefined && change.submittedIn === undefined) return;
    for (const session of sessionsOf(row)) take(this.#bySession, session, row);
    const place = { id, acceptedAt: row.acceptedAt };
    for (const session of sessionsOf(next)) file(this.#bySession, session, place);
  }

  principalOf(id: JobId): string | undefined {
    return this.#rows.get(id)?.principal;
  }

  /** In the order of acceptance. */
  #candidates(query: JobQuery): Iterable<Place> {
    const { principal, session, submittedIn = session, parent, after } = query;
    let order: AcceptanceOrder | undefined = this.#all;
    if (parent !== undefined) order = this.#byParent.get(parent);
    else if (submittedIn !== undefined) order = this.#bySession.get(submittedIn);
    else if (principal !== undefined) order = this.#byPrincipal.get(principal);
    return order?.from(after) ?? [];
  }

  #put(row: JobRow): void {
    const { id, principal, parent, acceptedAt } = row;
    this.#drop(id);
    const place = { id, acceptedAt };
    this.#rows.set(id, row);
    this.#all.add(place);
    file(this.#byPrincipal, principal, place);
    for (const session of sessionsOf(row)) file(this.#bySession, session, place);
    if (parent !== undefined) file(this.#byParent, parent, place);
  }

  #drop(id: JobId): void {
    const row = this.#rows.get(id);
    if (row === undefined) return;
    const { principal, parent } = row;
    this.#rows.delete(id);
    this.#all.remove(row);
    take(this.#byPrincipal, principal, row);
    for (const session of sessionsOf(row)) take(this.#bySession, session, row);
    if (parent !== undefined) take(this.#byParent, parent, row);
  }
}

/** The sessions under which a job is listed: its owner and its submitter. */
function sessionsOf({ session, submittedIn = session }: JobRow): readonly SessionId[] {
  return session === submittedIn ? [session] : [session, submittedIn];
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
