import type { JobId, JobStatus, Lease, ProvisionedCredential, SessionId } from "@arcp/core";
import type { Budget } from "../authority/budget.ts";
import type { CompiledLease } from "../authority/lease.ts";
import { Secrets } from "../authority/secrets.ts";
import { exactNumbers } from "../exact-number.ts";
import type { Lineage } from "../lineage.ts";
import type { JobObservation } from "../observation.ts";
import { Checkpoints } from "./checkpoints.ts";
import { Deadlines } from "./deadlines.ts";
import { Family } from "./family.ts";
import { keyedUntil } from "./idempotency.ts";
import { JobAuthority } from "./job-authority.ts";
import type { JobContext } from "./job-context.ts";
import { JobCosts } from "./job-costs.ts";
import { JobEvents } from "./job-events.ts";
import type { JobIdentity, Legacy } from "./job-identity.ts";
import { JobLife } from "./job-life.ts";
import { JobLog } from "./job-log.ts";
import { JobState } from "./job-state.ts";
import type { KnownJob } from "./known-job.ts";
import type { LogLoss } from "./log-writer.ts";
import { type Trace, traceOf } from "./trace.ts";

/** Where a job comes from. */
export interface JobOrigin {
  /** The earlier attempts, if it is run again. */
  readonly legacy?: Legacy | undefined;
  /** The job that delegated it. */
  readonly parent?: Job | undefined;
  /** Observes the job, if anybody does. */
  readonly observed?: JobObservation | undefined;
}

/**
 * One job: the sole owner of its state and the sole writer of its log. It knows nothing of sessions or sockets. Its parts handle
 * its events, costs, authority, life and family.
 *
 * - **J2** What it shows of itself to others (`status`, `remaining`, `ended`) is durable.
 */
export class Job implements KnownJob {
  readonly identity: JobIdentity;
  /** The number of the attempt, from 1. */
  readonly attempt: number;
  /** The latest value of `ctx.checkpoint`, as JSON; undefined without one. */
  readonly checkpoint: string | undefined;
  /** Before this time the job is not removed, if it has a key; in milliseconds on the monotonic clock. */
  readonly keepUntil: number | undefined;
  /** Shared by a job and all its descendants, because they may pass secrets to each other. */
  readonly secrets: Secrets;
  readonly observed: JobObservation | undefined;
  readonly events: JobEvents;
  readonly costs: JobCosts;
  readonly authority: JobAuthority;
  readonly family: Family;
  readonly life: JobLife;
  readonly #context: JobContext;
  readonly #state: JobState;
  readonly #log: JobLog;
  /** Created on first use: most jobs have none. */
  #checkpoints: Checkpoints | undefined;
  #trace: Trace | undefined;

  /** @throws ArcpError `LEASE_SUBSET_VIOLATION` if its budget exceeds what its parent has available (R-9.4-4) */
  constructor(
    identity: JobIdentity,
    lease: CompiledLease,
    context: JobContext,
    { legacy, parent, observed }: JobOrigin = {},
  ) {
    this.identity = identity;
    this.attempt = legacy?.attempt ?? 1;
    this.checkpoint = legacy?.checkpoint;
    this.keepUntil = identity.keepUntil && keyedUntil(context.clock, identity.keepUntil);
    this.secrets = parent?.secrets ?? new Secrets();
    this.observed = observed;
    this.#context = context;
    this.#state = new JobState(legacy?.status);
    const deadlines = new Deadlines(context.clock);
    this.#log = new JobLog(identity, context, {
      after: legacy?.head,
      state: this.#state,
      secrets: this.secrets,
      remaining: () => this.budget.remaining(),
      failed: (error, loss) => this.life.lose(error, loss),
    });
    this.events = new JobEvents({
      state: this.#state,
      log: this.#log,
      deadlines,
      parent: parent?.events,
    });
    this.costs = new JobCosts({
      grant: lease.budget,
      left: legacy?.remaining,
      parent: parent?.budget,
      events: this.events,
      log: this.#log,
      secrets: this.secrets,
      observed,
    });
    this.authority = new JobAuthority({
      job: this,
      lease,
      budget: this.budget,
      expiresAt: identity.expiresAt,
      acceptedAt: identity.acceptedAt,
      parent: parent?.authority,
      context,
    });
    const owner = legacy?.owner ?? identity.session;
    // Only after its budget is set aside, so that a refused job does not become anybody's child.
    this.family = new Family(this, owner, parent?.family);
    this.life = new JobLife({ job: this, state: this.#state, log: this.#log, deadlines, context });
  }

  get budget(): Budget {
    return this.costs.budget;
  }

  /** What the job saves for its next attempt. */
  get checkpoints(): Checkpoints {
    this.#checkpoints ??= new Checkpoints({
      state: this.#state,
      log: this.#log,
      secrets: this.secrets,
    });
    return this.#checkpoints;
  }

  /** The trace that everything it calls receives (R-11-5); constant from the first use. */
  get trace(): Trace {
    this.#trace ??= this.observed?.trace ?? traceOf(this.identity);
    return this.#trace;
  }

  get id(): JobId {
    return this.identity.id;
  }

  get principal(): string {
    return this.identity.principal;
  }

  get session(): SessionId {
    return this.family.owner;
  }

  get submittedIn(): SessionId {
    return this.identity.session;
  }

  get agent(): string {
    return this.identity.agent;
  }

  get parent(): JobId | undefined {
    return this.identity.parent;
  }

  get lineage(): Lineage {
    return this.family.lineage;
  }

  get traceId(): string {
    return this.identity.traceId;
  }

  get lease(): Lease {
    return this.authority.lease.json;
  }

  get expiresAt(): number | undefined {
    return this.identity.expiresAt;
  }

  /** The time by which the job or an ancestor ends at the latest, in milliseconds since 1970; infinite without a deadline. */
  get overAt(): number {
    const { acceptedAt, maxRuntimeSec, expiresAt } = this.identity;
    const open = Number.POSITIVE_INFINITY;
    const timedOutAt = acceptedAt + (maxRuntimeSec ?? open) * 1000;
    return Math.min(timedOutAt, expiresAt ?? open, this.family.overAt);
  }

  get remaining(): object | undefined {
    return this.authority.lease.budget.size > 0
      ? exactNumbers(this.costs.durableRemaining)
      : undefined;
  }

  get status(): JobStatus {
    return this.#state.durable;
  }

  get live(): boolean {
    return this.#state.live;
  }

  /** Set if only this process knows the job's end. */
  get loss(): LogLoss | undefined {
    return this.#state.loss;
  }

  get lost(): boolean {
    return this.loss !== undefined;
  }

  /** The `job_seq` of the last durable record. */
  get lastSeq(): number {
    return this.#log.durable;
  }

  /** Characters that are kept for as long as the job is: its lease and, once it has ended, its terminal record. */
  get size(): number {
    return JSON.stringify(this.lease).length + this.#log.endLength;
  }

  /** Whether it has no record yet, durable or not. */
  get silent(): boolean {
    return this.#log.nextSeq === 1;
  }

  /** The number of records waiting to become durable. */
  get waiting(): number {
    return this.#log.nextSeq - 1 - this.#log.durable;
  }

  /** The `job_seq` after which everything is live; for an ended job, its terminal record still is (R-7.6-6). */
  get liveAfter(): number {
    return Math.min(this.#log.durable, this.life.terminalSeq - 1);
  }

  /** Its current credentials by provisioner name. */
  get credentials(): ReadonlyMap<string, ProvisionedCredential> {
    return this.#context.credentials.of(this.id);
  }

  /** Resolves when the terminal record and the final state are durable, or the job is suspended. */
  get ended(): Promise<void> {
    return this.#state.over;
  }

  /** Announces a child on the stream. @returns when that is durable */
  announce(child: Job, body: object): Promise<void> {
    const jobSeq = this.#log.nextSeq;
    void this.events.say("delegate", body, "delegate");
    const durable = this.events.flush();
    child.family.announce(jobSeq, durable);
    return durable;
  }
}
