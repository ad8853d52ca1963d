import { LocalError } from "@arcp/core";
import type { Connection } from "./connection.ts";

/** Marks a file as ours: "ARCP". */
const APPLICATION_ID = 0x41524350;

/**
 * The schema as a list of migrations; `user_version` in the file tells how many have been applied. A released migration is never
 * changed; new ones are added at the end.
 *
 * Times are REAL, as a clock counts them. `logs` gives each job a short key. The `place` of a record combines that key with 32 bits
 * for its position in the log. A table with such integer keys stores texts of up to a page next to each other; with any other key,
 * texts longer than a quarter of a page would move to pages of their own. The keys of removed logs wait in `removed` until their
 * records are reclaimed. The large columns of `jobs` come last, so that queries without them do not read their pages.
 *
 * A submit waits for every page that its rows touch. So each table has only the key that its rows are looked up by, every index
 * serves a query of the runtime, and finished jobs are not in the index of unfinished ones. The newest jobs are in no index until
 * they are marked as `indexed`.
 */
export const migrations: readonly string[] = [
  `
  CREATE TABLE logs (
    job TEXT NOT NULL PRIMARY KEY,
    key INTEGER NOT NULL,
    floor INTEGER NOT NULL,
    head INTEGER NOT NULL,
    records INTEGER NOT NULL,
    characters INTEGER NOT NULL,
    principal TEXT NOT NULL,
    size INTEGER NOT NULL
  ) STRICT, WITHOUT ROWID;
  CREATE INDEX logs_by_size ON logs (principal, size DESC, job) WHERE head - floor > 1;

  CREATE TABLE removed (log INTEGER PRIMARY KEY) STRICT;

  CREATE TABLE records (
    place INTEGER PRIMARY KEY,
    kind INTEGER NOT NULL,
    text TEXT NOT NULL
  ) STRICT;

  CREATE TABLE jobs (
    key INTEGER PRIMARY KEY,
    indexed INTEGER,
    id TEXT NOT NULL,
    principal TEXT NOT NULL,
    session TEXT NOT NULL,
    request TEXT,
    agent TEXT NOT NULL,
    accepted_at REAL NOT NULL,
    status TEXT NOT NULL,
    finished_at REAL,
    submitted_in TEXT,
    parent TEXT,
    remaining TEXT,
    cancel TEXT,
    attempt INTEGER,
    streamed INTEGER,
    submitted TEXT NOT NULL,
    input TEXT,
    checkpoint TEXT
  ) STRICT;
  CREATE UNIQUE INDEX jobs_by_id ON jobs (id) WHERE indexed = 1;
  CREATE INDEX jobs_by_acceptance ON jobs (accepted_at, id) WHERE indexed = 1;
  CREATE INDEX jobs_by_principal ON jobs (principal, accepted_at, id) WHERE indexed = 1;
  CREATE INDEX jobs_by_session ON jobs (session, accepted_at, id) WHERE indexed = 1;
  CREATE INDEX jobs_by_submitter ON jobs (submitted_in, accepted_at, id)
    WHERE indexed = 1 AND submitted_in IS NOT NULL;
  CREATE INDEX jobs_by_parent ON jobs (parent, accepted_at, id)
    WHERE indexed = 1 AND parent IS NOT NULL;
  CREATE INDEX jobs_unfinished ON jobs (accepted_at, id)
    WHERE indexed = 1 AND status IN ('pending', 'running');
  CREATE INDEX jobs_by_request ON jobs (session, request, accepted_at, id) WHERE indexed = 1;

  CREATE TABLE sessions (
    id TEXT NOT NULL PRIMARY KEY,
    principal TEXT NOT NULL,
    features TEXT NOT NULL,
    epoch INTEGER NOT NULL,
    issued INTEGER,
    acked INTEGER NOT NULL
  ) STRICT;

  CREATE TABLE tokens (
    hash TEXT NOT NULL PRIMARY KEY,
    session TEXT NOT NULL,
    place INTEGER NOT NULL
  ) STRICT, WITHOUT ROWID;
  CREATE INDEX tokens_by_session ON tokens (session, place);

  CREATE TABLE attachments (
    place INTEGER PRIMARY KEY,
    session TEXT NOT NULL,
    job TEXT NOT NULL,
    role TEXT NOT NULL,
    after INTEGER NOT NULL,
    since INTEGER NOT NULL,
    request TEXT,
    UNIQUE (session, job)
  ) STRICT;

  CREATE TABLE runs (
    session TEXT NOT NULL,
    first INTEGER NOT NULL,
    job TEXT NOT NULL,
    job_first INTEGER NOT NULL,
    role TEXT NOT NULL,
    said TEXT,
    last INTEGER,
    PRIMARY KEY (session, first)
  ) STRICT, WITHOUT ROWID;

  CREATE TABLE refusals (
    place INTEGER PRIMARY KEY,
    session TEXT NOT NULL,
    request TEXT NOT NULL,
    reply TEXT NOT NULL,
    UNIQUE (session, request)
  ) STRICT;
  CREATE INDEX refusals_by_session ON refusals (session, place);

  CREATE TABLE idempotency (
    principal TEXT NOT NULL,
    key TEXT NOT NULL,
    fingerprint TEXT NOT NULL,
    job TEXT NOT NULL,
    accepted_at REAL NOT NULL,
    PRIMARY KEY (principal, key)
  ) STRICT, WITHOUT ROWID;
  CREATE INDEX idempotency_by_job ON idempotency (job);

  CREATE TABLE credentials (
    alias TEXT NOT NULL PRIMARY KEY,
    job TEXT NOT NULL,
    provisioner TEXT NOT NULL,
    asked_at REAL NOT NULL
  ) STRICT, WITHOUT ROWID;
  `,
];

/** @throws LocalError `MISUSE` if the file belongs to another program, or was written by a newer version of this one */
export function checkSchema(connection: Connection, steps = migrations): void {
  const version = schemaVersion(connection);
  const application = Number(connection.value("PRAGMA application_id"));
  const tables = Number(connection.value("SELECT count(*) FROM sqlite_schema"));
  if (application !== APPLICATION_ID && (application !== 0 || version !== 0 || tables !== 0)) {
    throw new LocalError("MISUSE", "it is the database of another program");
  }
  if (version > steps.length) {
    throw new LocalError(
      "MISUSE",
      `its schema has version ${version}, and this version of @arcp/store-sqlite supports at most ${steps.length}: use a newer one`,
    );
  }
}

/** Applies the missing migrations, each completely or not at all. */
export function migrate(connection: Connection, steps = migrations): void {
  for (let version = schemaVersion(connection); version < steps.length; version++) {
    try {
      connection.execute("BEGIN");
      connection.execute(steps[version] ?? "");
      connection.execute(`PRAGMA application_id = ${APPLICATION_ID}`);
      connection.execute(`PRAGMA user_version = ${version + 1}`);
      connection.execute("COMMIT");
    } catch (error) {
      connection.rollBack();
      throw error;
    }
  }
}

function schemaVersion(connection: Connection): number {
  return Number(connection.value("PRAGMA user_version"));
}
