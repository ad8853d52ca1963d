import type { SQLInputValue } from "node:sqlite";
import type { JobId } from "@arcp/core";
import type { JobChange, JobIndex, JobQuery, JobRow } from "@arcp/runtime/store";
import { countLimit, exact, fromJson, optional } from "./column.ts";
import type { Connection, Row } from "./connection.ts";
import type { GroupCommit } from "./group-commit.ts";

/** What of a job is a column of its own: what listings ask for. */
type Indexed =
  | "id"
  | "principal"
  | "session"
  | "request"
  | "agent"
  | "acceptedAt"
  | "status"
  | "finishedAt";
/** What else may change, as JSON. */
type State = Omit<JobChange, Indexed>;
/** What else was said when it was submitted, as JSON. */
type Submitted = Omit<JobRow, Indexed | keyof State>;

/** The list of all jobs. */
export class JobTable implements JobIndex {
  readonly #connection: Connection;
  readonly #group: GroupCommit;

  constructor(connection: Connection, group: GroupCommit) {
    this.#connection = connection;
    this.#group = group;
  }

  async insert(row: JobRow): Promise<void> {
    const { id, principal, session, request, agent, acceptedAt, status, finishedAt, ...rest } = row;
    const { remaining, cancel, submittedIn, ...submitted } = rest;
    const values = [
      id,
      exact(principal),
      session,
      exact(request),
      agent,
      acceptedAt,
      status,
      finishedAt ?? null,
      JSON.stringify(submitted satisfies Submitted),
      JSON.stringify({ remaining, cancel, submittedIn } satisfies State),
    ];
    await this.#group.write(() =>
      this.#connection.run(
        `INSERT OR REPLACE INTO jobs (id, principal, session, request, agent, accepted_at, status, finished_at,
           submitted, state) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
        ...values,
      ),
    );
  }

  async update(id: JobId, change: JobChange): Promise<void> {
    await this.#group.write(() => {
      const before = this.#find(id);
      if (before === undefined) return;
      const after = { ...before, ...change };
      const { session, request, status, finishedAt, remaining, cancel, submittedIn } = after;
      this.#connection.run(
        "UPDATE jobs SET session = ?, request = ?, status = ?, finished_at = ?, state = ? WHERE id = ?",
        session,
        exact(request),
        status,
        finishedAt ?? null,
        JSON.stringify({ remaining, cancel, submittedIn } satisfies State),
        id,
      );
    });
  }

  async get(id: JobId): Promise<JobRow | undefined> {
    return this.#find(id);
  }

  async list(query: JobQuery): Promise<readonly JobRow[]> {
    const conditions: string[] = [];
    const values: SQLInputValue[] = [];
    const where = (condition: string, ...operands: readonly SQLInputValue[]): void => {
      conditions.push(condition);
      values.push(...operands);
    };
    const { principal, session, request, agent, after } = query;
    if (principal !== undefined) where("principal = ?", exact(principal));
    if (session !== undefined) where("session = ?", session);
    if (request !== undefined) where("request = ?", exact(request));
    if (query.statuses !== undefined) {
      const statuses = [...new Set(query.statuses)];
      where(`status IN (${statuses.map(() => "?").join(", ")})`, ...statuses);
    }
    // Texts that begin with "name@" are those from it up to, but not including, "nameA".
    if (agent !== undefined)
      where("(agent = ? OR (agent >= ? AND agent < ?))", agent, `${agent}@`, `${agent}A`);
    if (query.acceptedAfter !== undefined) where("accepted_at > ?", query.acceptedAfter);
    if (query.acceptedBefore !== undefined) where("accepted_at < ?", query.acceptedBefore);
    if (query.finishedBefore !== undefined) where("finished_at < ?", query.finishedBefore);
    if (after !== undefined) where("(accepted_at, id) > (?, ?)", after.acceptedAt, after.id);
    const rows = this.#connection.all(
      `SELECT * FROM jobs ${conditions.length === 0 ? "" : `WHERE ${conditions.join(" AND ")}`}
         ORDER BY accepted_at, id LIMIT ?`,
      ...values,
      countLimit(query.limit),
    );
    return rows.map(decode);
  }

  async remove(id: JobId): Promise<void> {
    await this.#group.write(() => this.#connection.run("DELETE FROM jobs WHERE id = ?", id));
  }

  #find(id: JobId): JobRow | undefined {
    const row = this.#connection.get("SELECT * FROM jobs WHERE id = ?", id);
    return row === undefined ? undefined : decode(row);
  }
}

function decode(row: Row): JobRow {
  return {
    ...fromJson<Submitted>(row["submitted"]),
    ...fromJson<State>(row["state"]),
    id: row["id"] as JobRow["id"],
    principal: fromJson(row["principal"]),
    session: row["session"] as JobRow["session"],
    request: fromJson(row["request"]),
    agent: String(row["agent"]),
    acceptedAt: Number(row["accepted_at"]),
    status: row["status"] as JobRow["status"],
    finishedAt: optional(row["finished_at"]),
  };
}
