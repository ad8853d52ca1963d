import { ArcpError, type JobId } from "@arcp/core";
import type { Outstanding, OutstandingCredential } from "./authority/outstanding.ts";
import type { Credentials } from "./jobs/credentials.ts";
import type { JobTable } from "./jobs/table.ts";

/** The operator's access to the provisioned credentials of a runtime. It never reveals their values (R-9.8-10). */
export class CredentialOperations {
  readonly #outstanding: Outstanding;
  readonly #credentials: Credentials;
  readonly #jobs: JobTable;

  constructor(outstanding: Outstanding, credentials: Credentials, jobs: JobTable) {
    this.#outstanding = outstanding;
    this.#credentials = credentials;
    this.#jobs = jobs;
  }

  /** All credentials that may be alive at their upstreams; those that could not be revoked have `failures` (R-9.8-8). */
  list(): OutstandingCredential[] {
    return this.#outstanding.list();
  }

  /** Retries failed revocations at once, without waiting for their pauses to end. @returns how many there are */
  retry(): number {
    return this.#outstanding.retry();
  }

  /**
   * Drops a credential that cannot be revoked from here, once it has been revoked by hand. Resolves when that is durable.
   * @returns whether there was one with this alias
   * @throws LocalError `MISUSE` while its job is running
   */
  forget(alias: string): Promise<boolean> {
    return this.#outstanding.forget(alias);
  }

  /**
   * Replaces the credentials of a running job. Its owner is told the new values; then the old ones are revoked (R-9.8-9).
   * @param provisioner whose credential to replace. Default: those of all
   * @throws ArcpError `JOB_NOT_FOUND` if no such job is running, or what the upstream's refusal is turned into; then the old value
   *   stays
   * @throws LocalError `MISUSE` if the job has no credential of this provisioner
   */
  async rotate(job: string, provisioner?: string): Promise<void> {
    const live = this.#jobs.get(job as JobId);
    if (!live?.live) throw new ArcpError("JOB_NOT_FOUND", `no job ${job} is running`);
    const names = provisioner === undefined ? [...live.credentials.keys()] : [provisioner];
    for (const name of names) await this.#credentials.rotate(live, name);
  }
}
