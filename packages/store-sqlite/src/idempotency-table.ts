import type { JobId } from "@arcp/core";
import type { IdempotencyRecord, IdempotencyStore } from "@arcp/runtime/store";
import { exact } from "./column.ts";
import type { Connection } from "./connection.ts";
import type { GroupCommit } from "./group-commit.ts";

/** The idempotency keys of all principals. */
export class IdempotencyTable implements IdempotencyStore {
  readonly #connection: Connection;
  readonly #group: GroupCommit;

  constructor(connection: Connection, group: GroupCommit) {
    this.#connection = connection;
    this.#group = group;
  }

  async get(principal: string, key: string): Promise<IdempotencyRecord | undefined> {
    const row = await this.#group.read(() =>
      this.#connection.get(
        "SELECT fingerprint, job, accepted_at FROM idempotency WHERE principal = ? AND key = ?",
        exact(principal),
        exact(key),
      ),
    );
    if (row === undefined) return undefined;
    return {
      principal,
      key,
      fingerprint: String(row["fingerprint"]),
      job: row["job"] as JobId,
      acceptedAt: Number(row["accepted_at"]),
    };
  }

  put({ principal, key, fingerprint, job, acceptedAt }: IdempotencyRecord): Promise<void> {
    return this.#group.write(() =>
      this.#connection.run(
        "INSERT OR REPLACE INTO idempotency (principal, key, fingerprint, job, accepted_at) VALUES (?, ?, ?, ?, ?)",
        exact(principal),
        exact(key),
        fingerprint,
        job,
        acceptedAt,
      ),
    );
  }

  removeJob(job: JobId): Promise<void> {
    return this.#group.write(() =>
      this.#connection.run("DELETE FROM idempotency WHERE job = ?", job),
    );
  }
}
