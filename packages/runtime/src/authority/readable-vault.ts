import type { CredentialFields, JobId } from "@arcp/core";
import type { Dialect } from "../dialect/dialect.ts";
import type { OpenVault } from "./vault.ts";

/** What a vault shows, as the client can read it. */
export class ReadableVault implements OpenVault {
  readonly #dialect: Dialect;
  readonly #vault: OpenVault;

  constructor(dialect: Dialect, vault: OpenVault) {
    this.#dialect = dialect;
    this.#vault = vault;
  }

  reveal(job: JobId, id: string): string | undefined {
    return this.#vault.reveal(job, id);
  }

  shown(job: JobId): readonly CredentialFields[] {
    return this.#dialect.credentials(this.#vault.shown(job));
  }
}
