import {
  ArcpError,
  type Clock,
  type JobId,
  LocalError,
  type ProvisionedCredential,
} from "@arcp/core";
import type { Logger } from "pino";
import type { Outstanding } from "../authority/outstanding.ts";
import type { CredentialOrder, IssuedCredential, Provisioner } from "../authority/provisioner.ts";
import { answerWithin, nameOf } from "../authority/upstream.ts";
import type { Vault } from "../authority/vault.ts";
import type { CredentialRow } from "../store/index.ts";
import { credentialOf, Unusable } from "./issued-credential.ts";
import type { Job } from "./job.ts";
import type { HeldCredentials } from "./job-context.ts";

export interface CredentialsOptions {
  readonly outstanding: Outstanding;
  readonly vault: Vault;
  /** By name. */
  readonly provisioners: ReadonlyMap<string, Provisioner>;
  readonly clock: Clock;
  readonly logger: Logger;
  /** Milliseconds that an upstream has to answer. */
  readonly patience: number;
}

/** What is outstanding for one job. */
interface Keys {
  /** The aliases of all that was ordered, the current one of each provisioner and those that are being replaced. */
  readonly aliases: Set<string>;
  /** The alias of the current one, by the name of the provisioner. */
  readonly current: Map<string, string>;
  /** Aborts with the job. */
  readonly over: AbortController;
  /** One rotation after the other. */
  turn: Promise<unknown>;
}

/** The last moment that a `Date` can tell, milliseconds since 1970: a time behind it is as good as none. */
const LAST_DATE = 8.64e15;

/** The credentials of jobs: issued before a job is accepted, revoked when it ends, however it ends (R-9.8-2, R-9.8-6). */
export class Credentials implements HeldCredentials {
  readonly #options: CredentialsOptions;
  readonly #jobs = new Map<JobId, Keys>();

  constructor(options: CredentialsOptions) {
    this.#options = options;
  }

  /**
   * Issues all that a job gets, or nothing; and nothing to a job that ends meanwhile, as a delegated one may.
   * @returns once that is done; undefined where there is nothing to issue
   * @throws ArcpError `BUDGET_EXHAUSTED` when an upstream says so, else `INTERNAL_ERROR` (R-9.8-5)
   */
  issue(job: Job): Promise<void> | undefined {
    const { provisioners } = this.#options;
    // Nobody would revoke what comes behind its end.
    if (provisioners.size === 0 || !job.live) return undefined;
    return this.#issue(job, provisioners);
  }

  async #issue(job: Job, provisioners: CredentialsOptions["provisioners"]): Promise<void> {
    const names = [...provisioners.keys()];
    const keys = this.#keysOf(job.id);
    const issued = await Promise.allSettled(names.map((name) => this.#issueOne(job, keys, name)));
    const failed = issued.find(({ status }) => status === "rejected");
    if (failed?.status !== "rejected" || keys.over.signal.aborted) return;
    this.revoke(job.id);
    throw failed.reason;
  }

  /** Issues to a job that is run again, whose credentials were lost with the process, and tells its owner (R-9.8-9). */
  async reissue(job: Job): Promise<void> {
    await this.issue(job);
    for (const credential of this.of(job.id).values()) announce(job, credential);
  }

  /**
   * Replaces a credential by a new one: the owner is told, then the former one is revoked (R-9.8-9).
   * @throws LocalError `MISUSE` when the job has no such credential
   * @throws ArcpError when none can be issued; the former one stays
   */
  async rotate(job: Job, name: string): Promise<void> {
    const keys = this.#jobs.get(job.id);
    if (keys?.current.get(name) === undefined) {
      throw new LocalError("MISUSE", `the job ${job.id} has no credential of ${name}`);
    }
    const rotated = keys.turn.then(() => this.#rotate(job, keys, name));
    keys.turn = rotated.catch(() => {});
    await rotated;
  }

  of(job: JobId): ReadonlyMap<string, ProvisionedCredential> {
    return this.#options.vault.of(job);
  }

  /** The job is over: its credentials are forgotten, and their revocation begins in this very turn (R-9.8-7). */
  revoke(job: JobId): void {
    const keys = this.#jobs.get(job);
    if (keys === undefined) return;
    this.#jobs.delete(job);
    this.#options.vault.forget(job);
    // No ArcpError: that would be the upstream's answer.
    keys.over.abort(new Error("the job has ended"));
    for (const alias of keys.aliases) this.#options.outstanding.revoke(alias);
  }

  async #rotate(job: Job, keys: Keys, name: string): Promise<void> {
    const former = keys.current.get(name);
    const issued = await this.#issueOne(job, keys, name);
    if (!issued) throw refusal(new Unusable("there is none"));
    const credential = this.of(job.id).get(name);
    if (credential === undefined || former === undefined) throw ended();
    announce(job, credential);
    // Whoever resumes finds the announcement, so the former value is of no use to anybody.
    await job.events.flush();
    keys.aliases.delete(former);
    this.#options.outstanding.revoke(former);
  }

  /** @returns whether the upstream has made one: a job may need none */
  async #issueOne(job: Job, keys: Keys, name: string): Promise<boolean> {
    const { outstanding, logger, clock } = this.#options;
    const alias = await outstanding.order(job.id, name);
    const row = { alias, job: job.id, provisioner: name, askedAt: clock.now() };
    const surfaced = (issued: unknown): void => {
      if (issued !== undefined) outstanding.surfaced(row);
    };
    keys.aliases.add(alias);
    try {
      if (keys.over.signal.aborted) throw ended();
      const issued = await this.#ask(job, keys, row, surfaced);
      outstanding.answered(alias);
      // From here to where it is kept nothing can come in between.
      if (keys.over.signal.aborted) {
        surfaced(issued);
        throw ended();
      }
      if (issued === undefined) {
        this.#revokeOne(keys, alias);
        return false;
      }
      this.#keep(job, name, credentialOf(job.id, name, issued));
      keys.current.set(name, alias);
      return true;
    } catch (thrown) {
      // An answer of the upstream: it has made nothing.
      if (thrown instanceof ArcpError) outstanding.answered(alias);
      this.#revokeOne(keys, alias);
      const failure = nameOf(thrown);
      logger.error({ job: job.id, provisioner: name, failure }, "a credential was not issued");
      throw refusal(thrown);
    }
  }

  /** @param late told of what the upstream answered when nobody waited for it any more */
  #ask(
    job: Job,
    { over }: Keys,
    { alias, provisioner }: CredentialRow,
    late: (issued: unknown) => void,
  ): Promise<IssuedCredential | undefined> {
    const { provisioners, clock, patience } = this.#options;
    return answerWithin(
      clock,
      patience,
      async (signal) => {
        const order = orderOf(job, alias, AbortSignal.any([signal, over.signal]));
        return await provisioners.get(provisioner)?.issue(order);
      },
      late,
    );
  }

  #keep(job: Job, name: string, credential: ProvisionedCredential): void {
    job.secrets.add(credential.value);
    if (this.#options.vault.put(job.id, job.principal, name, credential)) return;
    throw new Unusable("the value belongs to another credential already");
  }

  #revokeOne({ aliases }: Keys, alias: string): void {
    aliases.delete(alias);
    this.#options.outstanding.revoke(alias);
  }

  #keysOf(job: JobId): Keys {
    const keys: Keys = {
      aliases: new Set(),
      current: new Map(),
      over: new AbortController(),
      turn: Promise.resolve(),
    };
    this.#jobs.set(job, keys);
    return keys;
  }
}

function announce(job: Job, { id }: ProvisionedCredential): void {
  void job.events.emit("status", { phase: "credential_rotated", id }, "credential_rotated", true);
}

function orderOf(job: Job, alias: string, signal: AbortSignal): CredentialOrder {
  const { id, principal, agent, traceId, lease } = job;
  return {
    alias,
    job: { id, principal, agent, traceId },
    lease,
    budget: Object.fromEntries(job.budget.bounds()),
    models: lease["model.use"] ?? [],
    expiresAt: job.overAt <= LAST_DATE ? job.overAt : undefined,
    signal,
  };
}

function ended(): ArcpError {
  return new ArcpError("CANCELLED", "the job has ended");
}

/** What is said of an issue that failed: the code alone is the upstream's (R-9.8-5, R-9.8-10). */
function refusal(thrown: unknown): ArcpError {
  if (thrown instanceof ArcpError && thrown.code === "BUDGET_EXHAUSTED") {
    return new ArcpError("BUDGET_EXHAUSTED", "the upstream has no budget left for a credential");
  }
  return new ArcpError("INTERNAL_ERROR", "no credential could be issued", {
    details: { reason: "credential_issue" },
  });
}
