import type { JobChange, JobRow, ListedJob } from "@arcp/runtime/store";
import { fromJson, present } from "./column.ts";
import type { Row } from "./connection.ts";
import { decoded } from "./damage.ts";

/** The columns of all but what may be large. */
export const LISTED = `id, principal, session, submitted_in, request, parent, agent, accepted_at, status, finished_at, remaining, cancel,
  attempt, streamed, submitted`;

/** What never changes and nobody asks for in a listing, as JSON. */
export type Submitted = Omit<
  JobRow,
  keyof JobChange | "id" | "principal" | "parent" | "agent" | "acceptedAt"
>;

/** @throws DamagedRow */
export function listedJobIn(row: Row): ListedJob {
  return decoded(`the job ${row["id"]}`, row, listedJob);
}

/** A row of all columns. @throws DamagedRow */
export function jobIn(row: Row): JobRow {
  return decoded(`the job ${row["id"]}`, row, () => ({
    ...listedJob(row),
    input: present(row["input"], fromJson<string>),
    checkpoint: present(row["checkpoint"], fromJson<string>),
  }));
}

function listedJob(row: Row): ListedJob {
  return {
    ...fromJson<Submitted>(row["submitted"]),
    id: row["id"] as JobRow["id"],
    principal: fromJson(row["principal"]),
    session: row["session"] as JobRow["session"],
    submittedIn: present(row["submitted_in"], (id) => id as JobRow["session"]),
    request: present(row["request"], fromJson<NonNullable<JobRow["request"]>>),
    parent: present(row["parent"], (id) => id as JobRow["id"]),
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
