import type { CredentialFields, JobId, ProvisionedCredential } from "@arcp/core";
import type { Dialect } from "../dialect/dialect.ts";

interface Holding {
  readonly principal: string;
  /** By provisioner name. */
  readonly credentials: Map<string, ProvisionedCredential>;
  /** All values that the job ever had. */
  readonly values: Set<string>;
}

/** Holds secrets while their job lives; they exist nowhere else (P4). */
export class Vault {
  readonly #holdings = new Map<JobId, Holding>();
  readonly #values = new Set<string>();

  /**
   * Stores the current credential of a job, replacing an earlier one of the same provisioner.
   * @param name the name of the provisioner
   * @returns false, without storing it, if the same value is already in use (R-9.8-2)
   */
  put(job: JobId, principal: string, name: string, credential: ProvisionedCredential): boolean {
    if (this.#values.has(credential.value)) return false;
    const holding = this.#holdings.get(job) ?? {
      principal,
      credentials: new Map<string, ProvisionedCredential>(),
      values: new Set<string>(),
    };
    this.#holdings.set(job, holding);
    holding.credentials.set(name, credential);
    holding.values.add(credential.value);
    this.#values.add(credential.value);
    return true;
  }

  /** The current value of a job's credential; undefined once the job has ended (R-9.8-11). */
  reveal(job: JobId, id: string): string | undefined {
    for (const credential of this.of(job).values()) {
      if (credential.id === id) return credential.value;
    }
    return undefined;
  }

  /** A job's current credentials by provisioner name. */
  of(job: JobId): ReadonlyMap<string, ProvisionedCredential> {
    return this.#holdings.get(job)?.credentials ?? NONE;
  }

  /** What a principal may see: all credentials of its own jobs while these live (R-9.8-12). */
  openTo(principal: string, dialect: Dialect): OpenVault {
    return new OwnJobs(this, principal, dialect);
  }

  /** Whether the job lives and was submitted by the principal. */
  isOf(job: JobId, principal: string): boolean {
    return this.#holdings.get(job)?.principal === principal;
  }

  forget(job: JobId): void {
    for (const value of this.#holdings.get(job)?.values ?? []) this.#values.delete(value);
    this.#holdings.delete(job);
  }
}

const NONE: ReadonlyMap<string, ProvisionedCredential> = new Map();

/** The part of a vault that may be shown on a connection. */
export interface OpenVault {
  /** The current value of a credential. */
  reveal(job: JobId, id: string): string | undefined;
  /** All credentials of a job, in the client's dialect. */
  shown(job: JobId): readonly CredentialFields[];
}

/** The part of a vault that a principal may see. Every connection has one. */
class OwnJobs implements OpenVault {
  readonly #vault: Vault;
  readonly #principal: string;
  readonly #dialect: Dialect;

  constructor(vault: Vault, principal: string, dialect: Dialect) {
    this.#vault = vault;
    this.#principal = principal;
    this.#dialect = dialect;
  }

  reveal(job: JobId, id: string): string | undefined {
    return this.#vault.isOf(job, this.#principal) ? this.#vault.reveal(job, id) : undefined;
  }

  shown(job: JobId): readonly CredentialFields[] {
    if (!this.#vault.isOf(job, this.#principal)) return [];
    const all = [...this.#vault.of(job).values()].map((one) => ({ ...one, value: one.value }));
    return this.#dialect.credentials(all);
  }
}

/** Shows nothing, for connections that must not carry secrets (R-4.1-5). */
export const closedVault: OpenVault = { reveal: () => undefined, shown: () => [] };
