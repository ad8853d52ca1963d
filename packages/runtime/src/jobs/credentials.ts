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

/** The outstanding credentials of one job. */
interface Keys {
  /** The aliases of all orders: the current one of each provisioner, and those being replaced. */
  readonly aliases: Set<string>;
  /** The current alias by provisioner name. */
  readonly current: Map<string, string>;
  /** Aborts when the job ends. */
  readonly over: AbortController;
  /** Serializes rotations. */
  turn: Promise<unknown>;
}

/** The latest time that a `Date` can represent, in milliseconds since 1970. Any later time counts as none. */
const LAST_DATE = 8.64e15;

/** The credentials of jobs: issued before a job is accepted, revoked when it ends in any way (R-9.8-2, R-9.8-6). */
export class Credentials implements HeldCredentials {
  readonly #options: CredentialsOptions;
  readonly #jobs = new Map<JobId, Keys>();

  constructor(options: CredentialsOptions) {
    this.#options = options;
  }

  /**
   * Issues all credentials of a job, or none. A delegated job may end meanwhile; then it gets none.
   * @returns once that is done; undefined if there is nothing to issue
   * @throws ArcpError `BUDGET_EXHAUSTED` if an upstream says so, otherwise `INTERNAL_ERROR` (R-9.8-5)
   */
  issue(job: Job): Promise<void> | undefined {
    const { provisioners } = this.#options;
    // Nobody would revoke a credential that is issued after the job's end.
    if (provisioners.size === 0 || !job.live) return undefined;
    return this.#issue(job, provisioners);
  }

  async #issue(job: Job, provisioners: CredentialsOptions["provisioners"]): Promise<void> {
    const names = [...provisioners.keys()];
    const keys = this.#addKeys(job.id);
    const issued = await Promise.allSettled(names.map((name) => this.#issueOne(job, keys, name)));
    const failed = issued.find(({ status }) => status === "rejected");
    if (failed?.status !== "rejected" || keys.over.signal.aborted) return;
    this.revoke(job.id);
    throw failed.reason;
  }

  /**
   * Issues new credentials to a job that is run again, because the old ones were lost with the process, and tells its owner
   * (R-9.8-9).
   */
  async reissue(job: Job): Promise<void> {
    await this.issue(job);
    for (const credential of this.of(job.id).values()) announce(job, credential);
  }

  /**
   * Replaces a credential: tells the owner, then revokes the former one (R-9.8-9).
   * @throws LocalError `MISUSE` if the job has no such credential
   * @throws ArcpError if no credential can be issued; the former one stays
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

  /** Forgets the credentials of a job that is over, and begins to revoke them in this very turn (R-9.8-7). */
  revoke(job: JobId): void {
    const keys = this.#jobs.get(job);
    if (keys === undefined) return;
    this.#jobs.delete(job);
    this.#options.vault.forget(job);
    // Not an ArcpError, which would count as an answer of the upstream.
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
    // Once the announcement is durable, a resuming client finds it and nobody needs the former value.
    await job.events.flush();
    keys.aliases.delete(former);
    this.#options.outstanding.revoke(former);
  }

  /** @returns whether the upstream issued one: a job may need none */
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
      // No await between this check and keeping the credential.
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
      // An ArcpError is an answer: the upstream has issued nothing.
      if (thrown instanceof ArcpError) outstanding.answered(alias);
      this.#revokeOne(keys, alias);
      const failure = nameOf(thrown);
      logger.error({ job: job.id, provisioner: name, failure }, "a credential was not issued");
      throw refusal(thrown);
    }
  }

  /** @param late called with an answer that came after everybody stopped waiting */
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

  #addKeys(job: JobId): Keys {
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
  void job.events.say("status", { phase: "credential_rotated", id }, "credential_rotated");
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

/** The error for a failed issue. Only the code is the upstream's (R-9.8-5, R-9.8-10). */
function refusal(thrown: unknown): ArcpError {
  if (thrown instanceof ArcpError && thrown.code === "BUDGET_EXHAUSTED") {
    return new ArcpError("BUDGET_EXHAUSTED", "the upstream has no budget left for a credential");
  }
  return new ArcpError("INTERNAL_ERROR", "no credential could be issued", {
    details: { reason: "credential_issue" },
  });
}
