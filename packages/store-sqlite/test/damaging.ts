import type { DatabaseSync, SQLInputValue, SQLOutputValue } from "node:sqlite";

/** What was done to a file, for whoever has to find out why it was too much. */
export type Deed = string;

interface Target {
  readonly table: string;
  /** Columns that may be overwritten with garbage; every row may be deleted as well. */
  readonly columns: readonly string[];
  /** An expression for the owner of the row. */
  readonly owner: string;
}

const LOG = "(SELECT job FROM logs WHERE key = place >> 32)";

/** The keys of logs and jobs are left alone: a row with another one's key would belong to that one. */
const TARGETS: readonly Target[] = [
  {
    table: "jobs",
    columns: [
      "indexed",
      "id",
      "principal",
      "session",
      "request",
      "agent",
      "accepted_at",
      "status",
      "finished_at",
      "submitted_in",
      "parent",
      "remaining",
      "cancel",
      "attempt",
      "streamed",
      "submitted",
      "input",
      "checkpoint",
    ],
    owner: "id",
  },
  {
    table: "logs",
    columns: ["floor", "head", "records", "characters", "principal", "size"],
    owner: "job",
  },
  { table: "records", columns: ["kind", "text"], owner: LOG },
  {
    table: "sessions",
    columns: ["principal", "features", "epoch", "issued", "acked"],
    owner: "id",
  },
  { table: "tokens", columns: ["session", "place"], owner: "session" },
  {
    table: "attachments",
    columns: ["job", "role", "after", "since", "request"],
    owner: "session",
  },
  {
    table: "runs",
    columns: ["first", "job", "job_first", "role", "said", "last"],
    owner: "session",
  },
  { table: "refusals", columns: ["request", "reply"], owner: "session" },
  { table: "idempotency", columns: ["fingerprint", "job", "accepted_at"], owner: "job" },
  { table: "credentials", columns: ["job", "provisioner", "asked_at"], owner: "job" },
];

/** Only the lease is wrong. */
const SUBMITTED = { features: [], traceId: "0".repeat(32) };

const NONSENSE: Readonly<Record<string, readonly SQLInputValue[]>> = {
  text: [
    "",
    "nonsense",
    "{",
    "[]",
    "{}",
    "null",
    "7",
    '"a text"',
    "[1]",
    '{"USD":"much"}',
    '{"reason":7}',
    "'\u0000",
    JSON.stringify({ ...SUBMITTED, lease: { "tool.call": 7, "cost.budget": [{}] } }),
    JSON.stringify({ ...SUBMITTED, lease: { "cost.budget": ["USD:much"], "moon.phase": ["new"] } }),
    "running",
  ],
  bigint: [0n, -1n, 1n, 5n, 2n ** 40n, 2n ** 60n, -(2n ** 62n)],
  number: [0, -1, 1e300, Number.POSITIVE_INFINITY],
};

/**
 * Damages this many random rows of a file, except those of the given jobs and sessions.
 * @param random a number from 0 up to, and not including, the given one
 */
export function damage(
  database: DatabaseSync,
  times: number,
  spared: readonly string[],
  random: (below: number) => number,
): readonly Deed[] {
  const pick = <T>(list: readonly T[]): T | undefined => list[random(list.length)];
  const deeds: Deed[] = [];
  while (deeds.length < times) {
    const target = pick(TARGETS);
    if (target === undefined) break;
    const { table, columns, owner } = target;
    const marks = spared.map(() => "?").join(", ");
    const where = `coalesce(${owner}, '') NOT IN (${marks})`;
    const rows = database.prepare(`SELECT * FROM ${table} WHERE ${where}`);
    rows.setReadBigInts(true);
    const row = pick(rows.all(...spared));
    if (row === undefined) continue;
    const key = Object.keys(row);
    const same = key.map((column) => `${column} IS ?`).join(" AND ");
    const column = pick(columns) ?? "";
    const value = random(5) === 0 ? undefined : nonsense(row[column], pick);
    const sql = value === undefined ? `DELETE FROM ${table}` : `UPDATE ${table} SET ${column} = ?`;
    const values = [...(value === undefined ? [] : [value]), ...Object.values(row)];
    try {
      database.prepare(`${sql} WHERE ${same}`).run(...values);
      deeds.push(`${table}.${value === undefined ? "*" : column}: ${row[column]} -> ${value}`);
    } catch {
      // This damage is impossible if the schema refuses it.
    }
  }
  return deeds;
}

function nonsense(
  value: SQLOutputValue | undefined,
  pick: <T>(list: readonly T[]) => T | undefined,
): SQLInputValue | undefined {
  const kind = value === null ? pick(Object.keys(NONSENSE)) : undefined;
  const kinds = { string: "text", bigint: "bigint", number: "number" } as const;
  const known = typeof value;
  const name = kind ?? (known in kinds ? kinds[known as keyof typeof kinds] : "text");
  return pick(NONSENSE[name] ?? []);
}
