import type { JobId, MessageId, SessionId } from "@arcp/core";
import type {
  AttachmentRow,
  CommitOutcome,
  Cut,
  Role,
  Run,
  SessionChange,
  SessionRow,
  SessionStore,
} from "@arcp/runtime/store";
import { countIn, exact, fromJson, present, textIn } from "./column.ts";
import type { Connection, Row } from "./connection.ts";
import { decoded } from "./damage.ts";
import type { GroupCommit } from "./group-commit.ts";
import { isPlace, isText, listOf, oneOf, shaped } from "./shape.ts";

/** The number of refused submits remembered per session (R-5.4-8). */
const MAX_REFUSALS = 1000;

const isRole = oneOf<Role>("owner", "observer");

/** Sessions, each fenced by its epoch (P5), with their tokens, attachments and runs. */
export class SessionTable implements SessionStore {
  readonly #connection: Connection;
  readonly #group: GroupCommit;

  constructor(connection: Connection, group: GroupCommit) {
    this.#connection = connection;
    this.#group = group;
  }

  insert(row: SessionRow): Promise<void> {
    const { id, principal, features, epoch, tokens, issued, acked } = row;
    const listed = JSON.stringify(features);
    return this.#group.write(() => {
      this.#erase(id);
      this.#connection.run(
        "INSERT INTO sessions (id, principal, features, epoch, issued, acked) VALUES (?, ?, ?, ?, ?, ?)",
        id,
        exact(principal),
        listed,
        epoch,
        issued ?? null,
        acked,
      );
      this.#setTokens(id, tokens);
    });
  }

  findByToken(hash: string): Promise<SessionId | undefined> {
    return this.#group.read(() => {
      const row = this.#connection.get("SELECT session FROM tokens WHERE hash = ?", hash);
      return row && (row["session"] as SessionId);
    });
  }

  async get(id: SessionId): Promise<SessionRow | undefined> {
    return this.#group.read(() => this.#find(id));
  }

  async list(): Promise<readonly SessionId[]> {
    const rows = await this.#group.read(() => this.#connection.all("SELECT id FROM sessions"));
    return rows.map(({ id }) => id as SessionId);
  }

  async attachments(id: SessionId): Promise<readonly AttachmentRow[]> {
    const rows = await this.#group.read(() =>
      this.#connection.all(
        "SELECT job, role, after, since, request FROM attachments WHERE session = ? ORDER BY place",
        id,
      ),
    );
    return rows.map((row) =>
      decoded(`what the session ${id} follows`, row, ({ job, role, after, since, request }) => ({
        job: job as JobId,
        role: shaped(role, isRole),
        after: countIn(after),
        since: countIn(since),
        request: present(request, (id) => textIn(id) as MessageId),
      })),
    );
  }

  claim(id: SessionId, epoch: number, tokens: readonly string[]): Promise<CommitOutcome> {
    return this.#fenced(id, epoch, () => {
      this.#setTokens(id, tokens);
      this.#connection.run(
        "UPDATE sessions SET epoch = ?, issued = NULL WHERE id = ?",
        epoch + 1,
        id,
      );
    });
  }

  commit(id: SessionId, epoch: number, change: SessionChange): Promise<CommitOutcome> {
    return this.#fenced(id, epoch, () => {
      const {
        runs = [],
        cut = [],
        attach = [],
        detach = [],
        tokens,
        issued,
        acked,
        refused,
      } = change;
      this.#openRuns(id, runs);
      this.#cutRuns(id, cut);
      for (const row of attach) this.#attach(id, row);
      for (const job of detach) {
        this.#connection.run("DELETE FROM attachments WHERE session = ? AND job = ?", id, job);
      }
      if (refused !== undefined) this.#refuse(id, refused);
      if (tokens !== undefined) this.#setTokens(id, tokens);
      if (issued !== undefined)
        this.#connection.run("UPDATE sessions SET issued = ? WHERE id = ?", issued, id);
      if (acked !== undefined)
        this.#connection.run("UPDATE sessions SET acked = ? WHERE id = ?", acked, id);
    });
  }

  async runs(id: SessionId): Promise<readonly Run[]> {
    const rows = await this.#group.read(() =>
      this.#connection.all(
        "SELECT first, job, job_first, role, said, last FROM runs WHERE session = ? ORDER BY first",
        id,
      ),
    );
    return rows.map((row) => decoded(`what the numbers of the session ${id} mean`, row, runIn));
  }

  async refusal(id: SessionId, request: MessageId): Promise<string | undefined> {
    const row = await this.#group.read(() =>
      this.#connection.get(
        "SELECT reply FROM refusals WHERE session = ? AND request = ?",
        id,
        exact(request),
      ),
    );
    return row && decoded(`a reply in the session ${id}`, row, ({ reply }) => textIn(reply));
  }

  forget(id: SessionId): Promise<void> {
    return this.#group.write(() => this.#erase(id));
  }

  removeRuns(id: SessionId): Promise<void> {
    return this.#group.write(() =>
      this.#connection.run(
        "DELETE FROM runs WHERE session = ? AND session NOT IN (SELECT id FROM sessions)",
        id,
      ),
    );
  }

  /** Makes the change only if the session is still at this epoch. */
  #fenced(id: SessionId, epoch: number, change: () => void): Promise<CommitOutcome> {
    return this.#group.write(() => {
      const [owning] = this.#connection.first("SELECT epoch FROM sessions WHERE id = ?", id) ?? [];
      if (owning !== epoch) return "fenced";
      change();
      return "committed";
    });
  }

  #find(id: SessionId): SessionRow | undefined {
    const row = this.#connection.get("SELECT * FROM sessions WHERE id = ?", id);
    if (row === undefined) return undefined;
    const tokens = this.#connection.all(
      "SELECT hash FROM tokens WHERE session = ? ORDER BY place",
      id,
    );
    return decoded(`the session ${id}`, row, () => ({
      id,
      principal: textIn(row["principal"]),
      features: fromJson(row["features"], listOf(isText)),
      epoch: countIn(row["epoch"]),
      tokens: tokens.map(({ hash }) => String(hash)),
      issued: present(row["issued"], countIn),
      acked: countIn(row["acked"]),
    }));
  }

  #setTokens(id: SessionId, tokens: readonly string[]): void {
    this.#connection.run("DELETE FROM tokens WHERE session = ?", id);
    for (const [place, hash] of tokens.entries()) {
      this.#connection.run(
        "INSERT OR REPLACE INTO tokens (hash, session, place) VALUES (?, ?, ?)",
        hash,
        id,
        place,
      );
    }
  }

  /** Replaces every run at or after the first of these. */
  #openRuns(id: SessionId, runs: readonly Run[]): void {
    const [first] = runs;
    if (first === undefined) return;
    this.#connection.run("DELETE FROM runs WHERE session = ? AND first >= ?", id, first.from);
    for (const { from, job, jobFrom, role, said, to } of runs) {
      this.#connection.run(
        "INSERT OR REPLACE INTO runs (session, first, job, job_first, role, said, last) VALUES (?, ?, ?, ?, ?, ?, ?)",
        id,
        from,
        job,
        jobFrom,
        role,
        said ?? null,
        to ?? null,
      );
    }
  }

  #cutRuns(id: SessionId, cuts: readonly Cut[]): void {
    for (const { from, to } of cuts) {
      this.#connection.run(
        "DELETE FROM runs WHERE session = ? AND first BETWEEN ? AND ?",
        id,
        from,
        to,
      );
      this.#connection.run(
        `UPDATE runs SET last = min(coalesce(last, ?), ?)
           WHERE session = ? AND first = (SELECT max(first) FROM runs WHERE session = ? AND first <= ?)`,
        from - 1,
        from - 1,
        id,
        id,
        from - 1,
      );
    }
  }

  /** A replaced row is a new one, so it moves to the end of the order. */
  #attach(id: SessionId, { job, role, after, since, request }: AttachmentRow): void {
    this.#connection.run(
      "INSERT OR REPLACE INTO attachments (session, job, role, after, since, request) VALUES (?, ?, ?, ?, ?, ?)",
      id,
      job,
      role,
      after,
      since,
      request === undefined ? null : exact(request),
    );
  }

  #refuse(id: SessionId, { request, reply }: NonNullable<SessionChange["refused"]>): void {
    this.#connection.run(
      "INSERT OR REPLACE INTO refusals (session, request, reply) VALUES (?, ?, ?)",
      id,
      exact(request),
      exact(reply),
    );
    this.#connection.run(
      `DELETE FROM refusals WHERE session = ? AND place <=
         (SELECT place FROM refusals WHERE session = ? ORDER BY place DESC LIMIT 1 OFFSET ?)`,
      id,
      id,
      MAX_REFUSALS,
    );
  }

  /** Deletes everything except its runs. */
  #erase(id: SessionId): void {
    this.#connection.run("DELETE FROM sessions WHERE id = ?", id);
    this.#connection.run("DELETE FROM tokens WHERE session = ?", id);
    this.#connection.run("DELETE FROM attachments WHERE session = ?", id);
    this.#connection.run("DELETE FROM refusals WHERE session = ?", id);
  }
}

function runIn({ first, job, job_first: jobFirst, role, said, last }: Row): Run {
  return {
    from: shaped(Number(first), isPlace),
    job: job as JobId,
    jobFrom: shaped(Number(jobFirst), isPlace),
    role: shaped(role, isRole),
    ...(said === null ? {} : { said: String(said) }),
    ...(last === null ? {} : { to: countIn(last) }),
  };
}
