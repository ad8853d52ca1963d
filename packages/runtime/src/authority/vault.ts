import type { JobId } from "@arcp/core";

/** Where secrets live while their job lives, and nowhere else (P4). */
export interface Vault {
  /** The current value of a job's credential; undefined once the job has ended (R-9.8-11). */
  reveal(job: JobId, credential: string): string | undefined;
}

/** The vault of a runtime without provisioned credentials. */
export const emptyVault: Vault = { reveal: () => undefined };
