import { ArcpError, type JobId } from "@arcp/core";
import type { Outstanding, OutstandingCredential } from "./authority/outstanding.ts";
import type { Credentials } from "./jobs/credentials.ts";
import type { JobTable } from "./jobs/table.ts";

/** The provisioned credentials of a runtime in the hands of its operator. No value is to be had here (R-9.8-10). */
export class CredentialOperations {
  readonly #outstanding: Outstanding;
  readonly #credentials: Credentials;
  readonly #jobs: JobTable;

  constructor(outstanding: Outstanding, credentials: Credentials, jobs: JobTable) {
    this.#outstanding = outstanding;
    this.#credentials = credentials;
    this.#jobs = jobs;
  }

  /** All that may be alive at their upstreams; those that could not be revoked have `failures` (R-9.8-8). */
  list(): OutstandingCredential[] {
    return this.#outstanding.list();
  }

  /** Tries at once, rather than after their pauses, to revoke what could not be revoked. @returns how many that are */
  retry(): number {
    return this.#outstanding.retry();
  }

  /**
   * Takes one off the list that nobody can revoke from here, once it was revoked by hand. Resolves when that is durable.
   * @returns whether there was one of this alias
   * @throws LocalError `MISUSE` when its job runs
   */
  forget(alias: string): Promise<boolean> {
    return this.#outstanding.forget(alias);
  }

  /**
   * Replaces what a running job has by new values. Its owner is told them; then the former ones are revoked (R-9.8-9).
   * @param provisioner whose credential is replaced. Default: of all
   * @throws ArcpError `JOB_NOT_FOUND` when no such job runs, or what the upstream's refusal becomes; the former value stays
   * @throws LocalError `MISUSE` when the job has no credential of this provisioner
   */
  async rotate(job: string, provisioner?: string): Promise<void> {
    const live = this.#jobs.get(job as JobId);
    if (!live?.live) throw new ArcpError("JOB_NOT_FOUND", `no job ${job} is running`);
    const names = provisioner === undefined ? [...live.credentials.keys()] : [provisioner];
    for (const name of names) await this.#credentials.rotate(live, name);
  }
}
