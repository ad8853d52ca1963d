import type { CredentialRow, CredentialStore } from "./credential-store.ts";

/** Outstanding credentials in memory. To revoke them after a crash takes a durable store. */
export class MemoryCredentials implements CredentialStore {
  readonly #rows = new Map<string, CredentialRow>();

  async insert(row: CredentialRow): Promise<void> {
    this.#rows.set(row.alias, row);
  }

  async list(): Promise<readonly CredentialRow[]> {
    return [...this.#rows.values()].sort((a, b) => (a.alias < b.alias ? -1 : 1));
  }

  async remove(alias: string): Promise<void> {
    this.#rows.delete(alias);
  }
}
