import type { JobId } from "@arcp/core";

/** A credential that may be alive at its upstream: all that is needed to revoke it, and never its value (R-9.8-4). */
export interface CredentialRow {
  /** The name by which the upstream knows it, chosen by the runtime and used for this credential only. */
  readonly alias: string;
  readonly job: JobId;
  /** The name of the provisioner that was asked for it. */
  readonly provisioner: string;
  /** When it was requested, in milliseconds since 1970. */
  readonly askedAt: number;
}

/**
 * The outstanding credentials of all jobs. A row is written before the upstream is asked, and removed once the upstream no longer
 * has anything of it. So whatever happens in between, the next process can revoke the credential.
 */
export interface CredentialStore {
  /** Adds a row. */
  insert(row: CredentialRow): Promise<void>;
  /** In the order of `alias`, ascending. */
  list(): Promise<readonly CredentialRow[]>;
  /** Does nothing where there is no such row. */
  remove(alias: string): Promise<void>;
}
