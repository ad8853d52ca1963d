import type { Store } from "../src/store/index.ts";

/** What a store was asked to do, counted at the calls: nothing is omitted and nothing is estimated. */
export interface Tally {
  /** Every call in order, as `logs.append`. */
  readonly calls: string[];
  /** Records in appends. */
  appended: number;
  /** Records returned by reads. */
  read: number;
  /** Runs and attachments written by commits of sessions. */
  rows: number;
  /** Rows returned by listings. */
  listed: number;
}

/** Counts from now on, in place. */
export function tally(store: Store): Tally {
  const counted: Tally = { calls: [], appended: 0, read: 0, rows: 0, listed: 0 };
  for (const name of ["logs", "jobs", "sessions", "idempotency", "credentials"] as const) {
    count(name, store[name], counted.calls);
  }
  const { logs, jobs, sessions } = store;
  const { append, read } = logs;
  logs.append = (batches) => {
    for (const { records } of batches) counted.appended += records.length;
    return append(batches);
  };
  logs.read = async (job, after, limits) => {
    const page = await read(job, after, limits);
    counted.read += page.records.length;
    return page;
  };
  const { list } = jobs;
  jobs.list = async (query) => {
    const rows = await list(query);
    counted.listed += rows.length;
    return rows;
  };
  const { commit } = sessions;
  sessions.commit = (id, epoch, change) => {
    counted.rows += (change.runs?.length ?? 0) + (change.attach?.length ?? 0);
    return commit(id, epoch, change);
  };
  return counted;
}

function count(name: string, part: object, calls: string[]): void {
  const members = new Set<string>();
  for (let level = part; level !== Object.prototype; level = Object.getPrototypeOf(level)) {
    for (const key of Object.getOwnPropertyNames(level)) members.add(key);
  }
  members.delete("constructor");
  for (const key of members) {
    const member: unknown = Reflect.get(part, key);
    if (typeof member !== "function") continue;
    Reflect.set(part, key, (...given: unknown[]) => {
      calls.push(`${name}.${key}`);
      return member.apply(part, given);
    });
  }
}

/** How often each stands in the list. */
export function frequencies(calls: readonly string[]): Record<string, number> {
  const found: Record<string, number> = {};
  for (const call of calls) found[call] = (found[call] ?? 0) + 1;
  return found;
}
