import type { SQLOutputValue } from "node:sqlite";
import type { JobId } from "@arcp/core";
import type { CredentialRow, CredentialStore } from "@arcp/runtime/store";
import { exact, textIn } from "./column.ts";
import type { Connection } from "./connection.ts";
import type { GroupCommit } from "./group-commit.ts";

/** The outstanding credentials of all jobs. */
export class CredentialTable implements CredentialStore {
  readonly #connection: Connection;
  readonly #group: GroupCommit;

  constructor(connection: Connection, group: GroupCommit) {
    this.#connection = connection;
    this.#group = group;
  }

  insert({ alias, job, provisioner, askedAt }: CredentialRow): Promise<void> {
    return this.#group.write(() =>
      this.#connection.run(
        "INSERT OR REPLACE INTO credentials (alias, job, provisioner, asked_at) VALUES (?, ?, ?, ?)",
        alias,
        job,
        exact(provisioner),
        askedAt,
      ),
    );
  }

  async list(): Promise<readonly CredentialRow[]> {
    const rows = await this.#group.read(() =>
      this.#connection.all(
        "SELECT alias, job, provisioner, asked_at FROM credentials ORDER BY alias",
      ),
    );
    return rows.map((row) => ({
      alias: String(row["alias"]),
      job: row["job"] as JobId,
      provisioner: nameIn(row["provisioner"]),
      askedAt: Number(row["asked_at"]),
    }));
  }

  remove(alias: string): Promise<void> {
    return this.#group.write(() =>
      this.#connection.run("DELETE FROM credentials WHERE alias = ?", alias),
    );
  }
}

/**
 * A name that cannot be read matches no provisioner: the credential stays listed as one that cannot be revoked, and the operator is
 * told.
 */
function nameIn(provisioner: SQLOutputValue | undefined): string {
  try {
    return textIn(provisioner);
  } catch {
    return String(provisioner);
  }
}
