import type { SQLInputValue } from "node:sqlite";
import type { JobId } from "@arcp/core";
import type { JobChange, JobIndex, JobQuery, JobRow, ListedJob } from "@arcp/runtime/store";
import { countLimit, exact, fromJson, present } from "./column.ts";
import type { Connection, Row } from "./connection.ts";
import type { GroupCommit } from "./group-commit.ts";

/** What may change of a job, a column each, as it is stored. */
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

/** All but what may be large. */
const LISTED = `id, principal, session, submitted_in, request, agent, accepted_at, status, finished_at, remaining, cancel,
  attempt, streamed, submitted`;

/** As the index of just these says it, or SQLite would not take it. */
const UNFINISHED = {
  statuses: ["pending", "running"],
  condition: "status IN ('pending', 'running')",
};

/** What never changes and nobody asks for in a listing, as JSON. */
type Submitted = Omit<JobRow, keyof JobChange | "id" | "principal" | "agent" | "acceptedAt">;

/** The list of all jobs. */
export class JobTable implements JobIndex {
  readonly #connection: Connection;
  readonly #group: GroupCommit;

  constructor(connection: Connection, group: GroupCommit) {
    this.#connection = connection;
    this.#group = group;
  }

  async insert(row: JobRow): Promise<void> {
    const { id, principal, agent, acceptedAt, ...rest } = row;
    const { session, submittedIn, request, status, finishedAt, remaining, cancel, ...others } =
      rest;
    const { attempt, streamed, input, checkpoint, ...submitted } = others;
    const change = { session, submittedIn, request, status, finishedAt, remaining, cancel };
    const assigned = assign({ ...change, attempt, streamed, input, checkpoint });
    const columns = ["id", "principal", "agent", "accepted_at", "submitted", ...assigned.columns];
    const values = [
      id,
      exact(principal),
      agent,
      acceptedAt,
      JSON.stringify(submitted satisfies Submitted),
      ...assigned.values,
    ];
    await this.#group.write(() =>
      this.#connection.run(
        `INSERT OR REPLACE INTO jobs (${columns.join(", ")}) VALUES (${columns.map(() => "?").join(", ")})`,
        ...values,
      ),
    );
  }

  async update(id: JobId, change: JobChange): Promise<void> {
    await this.#group.write(() => this.change(id, change));
  }

  /** Changes the row of a job, if there is one, within a transaction that is open. */
  change(id: JobId, change: JobChange): void {
    const { columns, values } = assign(change);
    if (columns.length === 0) return;
    const settings = columns.map((column) => `${column} = ?`).join(", ");
    this.#connection.run(`UPDATE jobs SET ${settings} WHERE id = ?`, ...values, id);
  }

  async get(id: JobId): Promise<JobRow | undefined> {
    const row = await this.#group.read(() =>
      this.#connection.get("SELECT * FROM jobs WHERE id = ?", id),
    );
    if (row === undefined) return undefined;
    const input = present(row["input"], fromJson<string>);
    const checkpoint = present(row["checkpoint"], fromJson<string>);
    return { ...decode(row), input, checkpoint };
  }

  /** Whose job it is, as the column says it. */
  principalOf(id: JobId): string | undefined {
    const [principal] = this.#connection.first("SELECT principal FROM jobs WHERE id = ?", id) ?? [];
    return present(principal, String);
  }

  async list(query: JobQuery): Promise<readonly ListedJob[]> {
    const conditions: string[] = [];
    const values: SQLInputValue[] = [];
    const where = (condition: string, ...operands: readonly SQLInputValue[]): void => {
      conditions.push(condition);
      values.push(...operands);
    };
    const { principal, session, submittedIn, request, agent, after } = query;
    if (principal !== undefined) where("principal = ?", exact(principal));
    if (session !== undefined) where("session = ?", session);
    if (submittedIn !== undefined) where("submitted_in = ?", submittedIn);
    if (request !== undefined) where("request = ?", exact(request));
    if (query.statuses !== undefined) {
      const statuses = [...new Set(query.statuses)];
      where(`status IN (${statuses.map(() => "?").join(", ")})`, ...statuses);
      if (statuses.every((status) => UNFINISHED.statuses.includes(status))) {
        where(UNFINISHED.condition);
      }
    }
    // Texts that begin with "name@" are those from it up to, but not including, "nameA".
    if (agent !== undefined)
      where("(agent = ? OR (agent >= ? AND agent < ?))", agent, `${agent}@`, `${agent}A`);
    if (query.acceptedAfter !== undefined) where("accepted_at > ?", query.acceptedAfter);
    if (query.acceptedBefore !== undefined) where("accepted_at < ?", query.acceptedBefore);
    if (after !== undefined) where("(accepted_at, id) > (?, ?)", after.acceptedAt, after.id);
    const found = conditions.length === 0 ? "" : `WHERE ${conditions.join(" AND ")}`;
    const rows = await this.#group.read(() =>
      this.#connection.all(
        `SELECT ${LISTED} FROM jobs ${found} ORDER BY accepted_at, id LIMIT 0 + ?`,
        ...values,
        countLimit(query.limit),
      ),
    );
    return rows.map(decode);
  }

  async remove(id: JobId): Promise<void> {
    await this.#group.write(() => this.#connection.run("DELETE FROM jobs WHERE id = ?", id));
  }
}

/** The columns of a change and what they become; what is undefined is cleared. */
function assign(change: JobChange): { columns: string[]; values: SQLInputValue[] } {
  const entries = Object.entries(change).map(([key, value]): [string, SQLInputValue] => {
    const { column, encode } = CHANGEABLE[key as keyof JobChange];
    return [column, value === undefined ? null : (encode as (v: unknown) => SQLInputValue)(value)];
  });
  return { columns: entries.map(([column]) => column), values: entries.map(([, value]) => value) };
}

function decode(row: Row): ListedJob {
  return {
    ...fromJson<Submitted>(row["submitted"]),
    id: row["id"] as JobRow["id"],
    principal: fromJson(row["principal"]),
    session: row["session"] as JobRow["session"],
    submittedIn: present(row["submitted_in"], (id) => id as JobRow["session"]),
    request: present(row["request"], fromJson<NonNullable<JobRow["request"]>>),
    agent: String(row["agent"]),
    acceptedAt: Number(row["accepted_at"]),
    status: row["status"] as JobRow["status"],
    finishedAt: present(row["finished_at"], Number),
    remaining: present(row["remaining"], fromJson<NonNullable<JobRow["remaining"]>>),
    cancel: present(row["cancel"], fromJson<NonNullable<JobRow["cancel"]>>),
    attempt: present(row["attempt"], Number),
    streamed: present(row["streamed"], Boolean),
  };
}
