import type { SQLInputValue } from "node:sqlite";
import type { JobId, JobStatus } from "@arcp/core";
import type {
  DamagedJob,
  JobChange,
  JobIndex,
  JobQuery,
  JobRow,
  ListedJob,
  Place,
} from "@arcp/runtime/store";
import { comparePlaces, DamagedRow, STRIDE, Strides } from "@arcp/runtime/store";
import { countLimit, exact, present } from "./column.ts";
import type { Connection, Row } from "./connection.ts";
import type { GroupCommit } from "./group-commit.ts";
import { damagedJobIn, jobIn, LISTED, listedJobIn, type Submitted } from "./job-row.ts";
import { RecentJobs } from "./recent-jobs.ts";

/** The changeable fields of a job, with their columns and encodings. */
const CHANGEABLE: {
  readonly [K in keyof JobChange]-?: {
    readonly column: string;
    readonly encode: (value: NonNullable<JobChange[K]>) => SQLInputValue;
  };
} = {
  session: { column: "session", encode: (id) => id },
  submittedIn: { column: "submitted_in", encode: (id) => id },
  request: { column: "request", encode: exact },
  status: { column: "status", encode: (status) => status },
  finishedAt: { column: "finished_at", encode: (ms) => ms },
  remaining: { column: "remaining", encode: (amounts) => JSON.stringify(amounts) },
  cancel: { column: "cancel", encode: (cancel) => JSON.stringify(cancel) },
  attempt: { column: "attempt", encode: (count) => count },
  streamed: { column: "streamed", encode: Number },
  input: { column: "input", encode: exact },
  checkpoint: { column: "checkpoint", encode: exact },
};

const CHANGES = Object.keys(CHANGEABLE) as ReadonlyArray<keyof JobChange>;
const COLUMNS = CHANGES.map((key) => CHANGEABLE[key].column);
const INSERT = `INSERT INTO jobs (key, id, principal, parent, agent, accepted_at, submitted, ${COLUMNS.join(", ")})
  VALUES (?, ?, ?, ?, ?, ?, ?, ${COLUMNS.map(() => "?").join(", ")})`;

/** Must repeat the condition of the partial index, or SQLite would not use it. */
const UNFINISHED = {
  statuses: ["pending", "running"],
  condition: "status IN ('pending', 'running')",
};

/** How many rows SQLite skips at a time: skipping takes a fraction of reading. */
const PASSED = 4 * STRIDE;

/** Repeats the condition of the index of ids. */
const BY_ID = "indexed = 1 AND id = ?";

/** How many jobs are indexed at a time: enough to share the pages, and few enough to take only a millisecond. */
const UNINDEXED = 32;

/** The index of all jobs. */
export class JobTable implements JobIndex {
  readonly #connection: Connection;
  readonly #group: GroupCommit;
  readonly #recent: RecentJobs;
  readonly #strides = new Strides();

  /** @param unindexed the most recent jobs that may wait to be indexed */
  constructor(connection: Connection, group: GroupCommit, unindexed = UNINDEXED) {
    this.#connection = connection;
    this.#group = group;
    this.#recent = new RecentJobs(connection, unindexed);
    group.onRollback(() => this.#recent.forget());
  }

  insert(row: JobRow): Promise<void> {
    const { id, principal, parent, agent, acceptedAt, ...rest } = row;
    const { session, submittedIn, request, status, finishedAt, remaining, cancel, ...others } =
      rest;
    const { attempt, streamed, input, checkpoint, ...submitted } = others;
    const json = JSON.stringify(submitted satisfies Submitted);
    const own = [id, exact(principal), parent ?? null, agent, acceptedAt, json];
    const changeable = CHANGES.map((key) => encode(key, row[key]));
    return this.#group.write(() => {
      this.#remove(id);
      this.#connection.run(INSERT, this.#recent.add(row), ...own, ...changeable);
    });
  }

  update(id: JobId, change: JobChange): Promise<void> {
    return this.#group.write(() => this.change(id, change));
  }

  /** Changes the row of a job, if there is one, within an open transaction. */
  change(id: JobId, change: JobChange): void {
    const { columns, values } = assign(change);
    if (columns.length === 0) return;
    const settings = columns.map((column) => `${column} = ?`).join(", ");
    const [condition, value] = this.#place(id);
    this.#connection.run(`UPDATE jobs SET ${settings} WHERE ${condition}`, ...values, value);
    this.#recent.change(id, change);
  }

  async get(id: JobId): Promise<JobRow | undefined> {
    const row = await this.#group.read(() => {
      const [condition, value] = this.#place(id);
      return this.#connection.get(`SELECT * FROM jobs WHERE ${condition}`, value);
    });
    return row && jobIn(row);
  }

  /** The principal of a job, encoded as in the column. */
  principalOf(id: JobId): string | undefined {
    const recent = this.#recent.get(id);
    if (recent !== undefined) return exact(recent.row.principal);
    const sql = `SELECT principal FROM jobs WHERE ${BY_ID}`;
    return present(this.#connection.first(sql, id)?.[0], String);
  }

  async list(query: JobQuery, damaged?: (job: DamagedJob) => void): Promise<readonly ListedJob[]> {
    const limit = countLimit(query.limit);
    const recent = new Map<JobId, ListedJob>();
    const listed: ListedJob[] = [];
    for (let { after } = query; ; ) {
      const stride = { ...query, after };
      after = await this.#group.read(() => {
        // Read first: this may index some of them, and more may be indexed before the next stride.
        for (const row of this.#recent.find(query)) recent.set(row.id, row);
        return this.#addIndexed(listed, stride, damaged);
      });
      if (after === undefined || listed.length >= limit) break;
      await this.#strides.next();
    }
    if (recent.size === 0) return listed;
    for (const { id } of listed) recent.delete(id);
    return [...listed, ...recent.values()].sort(comparePlaces).slice(0, limit);
  }

  /** Adds the indexed jobs of a stride. @returns after which job to continue; undefined if there is nothing left */
  #addIndexed(
    listed: ListedJob[],
    query: JobQuery,
    damaged: ((job: DamagedJob) => void) | undefined,
  ): Place | undefined {
    const limit = countLimit(query.limit);
    const end = this.#endOfStride(query);
    for (let { after } = query; listed.length < limit; ) {
      const rows = this.#rows({ ...query, after }, end);
      for (const row of rows) {
        after = placeIn(row);
        if (listed.length < limit) addReadable(listed, row, damaged);
      }
      if (rows.length < limit) break;
    }
    return end;
  }

  /** Where to end a stride if no index skips the jobs that do not match; undefined to go to the end. */
  #endOfStride({ agent, statuses, acceptedAfter, ...query }: JobQuery): Place | undefined {
    const isLed = statuses === undefined ? agent === undefined : isUnfinished(statuses);
    if (isLed && (acceptedAfter === undefined || query.after === undefined)) return undefined;
    const { conditions, values } = conditionsOf(query);
    const sql = `SELECT accepted_at, id FROM jobs WHERE ${conditions}
      ORDER BY accepted_at, id LIMIT 1 OFFSET ${PASSED}`;
    const row = this.#connection.get(sql, ...values);
    return row && placeIn(row);
  }

  /** The rows of indexed jobs up to `end`, as stored. */
  #rows(query: JobQuery, end: Place | undefined): Row[] {
    const { conditions, values } = conditionsOf(query, end);
    const sql = `SELECT ${LISTED} FROM jobs WHERE ${conditions}
      ORDER BY accepted_at, id LIMIT 0 + ?`;
    return this.#connection.all(sql, ...values, countLimit(query.limit));
  }

  remove(id: JobId): Promise<void> {
    return this.#group.write(() => this.#remove(id));
  }

  #remove(id: JobId): void {
    const [condition, value] = this.#place(id);
    this.#connection.run(`DELETE FROM jobs WHERE ${condition}`, value);
    this.#recent.remove(id);
  }

  /** The condition that finds the row of a job: by the index of ids, or by its key if it is not indexed yet. */
  #place(id: JobId): readonly [condition: string, value: SQLInputValue] {
    const recent = this.#recent.get(id);
    return recent === undefined ? [BY_ID, id] : ["key = ?", recent.key];
  }
}

/** The conditions of a listing, up to `end`. */
function conditionsOf(query: JobQuery, end?: Place) {
  const conditions = ["indexed = 1"];
  const values: SQLInputValue[] = [];
  const where = (condition: string, ...operands: readonly SQLInputValue[]): void => {
    conditions.push(condition);
    values.push(...operands);
  };
  const { principal, session, submittedIn, request, parent, agent, statuses, after } = query;
  const unfinished = statuses !== undefined && isUnfinished(statuses);
  // Few jobs are unfinished, while a principal may have any number, so do not use the principal's index for them.
  if (principal !== undefined) where(`${unfinished ? "+" : ""}principal = ?`, exact(principal));
  if (session !== undefined) where("session = ?", session);
  if (submittedIn !== undefined) where("submitted_in = ?", submittedIn);
  if (request !== undefined) where("request = ?", exact(request));
  if (parent !== undefined) where("parent = ?", parent);
  if (statuses !== undefined) {
    const each = [...new Set(statuses)];
    where(`status IN (${each.map(() => "?").join(", ")})`, ...each);
  }
  if (unfinished) where(UNFINISHED.condition);
  // Texts that begin with "name@" sort from it up to, but not including, "nameA".
  if (agent !== undefined)
    where("(agent = ? OR (agent >= ? AND agent < ?))", agent, `${agent}@`, `${agent}A`);
  if (query.acceptedAfter !== undefined) where("accepted_at > ?", query.acceptedAfter);
  if (query.acceptedBefore !== undefined) where("accepted_at < ?", query.acceptedBefore);
  if (after !== undefined) where("(accepted_at, id) > (?, ?)", after.acceptedAt, after.id);
  if (end !== undefined) where("(accepted_at, id) <= (?, ?)", end.acceptedAt, end.id);
  return { conditions: conditions.join(" AND "), values };
}

function isUnfinished(statuses: readonly JobStatus[]): boolean {
  return statuses.every((status) => UNFINISHED.statuses.includes(status));
}

/** The position of a row in a listing, which is readable even if the row is damaged. */
function placeIn(row: Row): Place {
  return { acceptedAt: Number(row["accepted_at"]), id: row["id"] as JobId };
}

function addReadable(
  listed: ListedJob[],
  row: Row,
  damaged: ((job: DamagedJob) => void) | undefined,
): void {
  try {
    listed.push(listedJobIn(row));
  } catch (error) {
    if (!(error instanceof DamagedRow)) throw error;
    damaged?.(damagedJobIn(row, error));
  }
}

/** The columns and values of a change; undefined clears a column. */
function assign(change: JobChange): { columns: string[]; values: SQLInputValue[] } {
  const keys = Object.keys(change) as Array<keyof JobChange>;
  return {
    columns: keys.map((key) => CHANGEABLE[key].column),
    values: keys.map((key) => encode(key, change[key])),
  };
}

function encode(key: keyof JobChange, value: JobChange[keyof JobChange]): SQLInputValue {
  return value === undefined
    ? null
    : (CHANGEABLE[key].encode as (v: unknown) => SQLInputValue)(value);
}
