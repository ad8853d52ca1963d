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

/** Where a job comes from, if not from nothing. */
export interface JobOrigin {
  /** The attempt before this one, when it is run again. */
  readonly legacy?: Legacy | undefined;
  /** The job that delegated it. */
  readonly parent?: Job | undefined;
  /** Who is told what becomes of it. */
  readonly observed?: JobObservation | undefined;
}

/**
 * One job: the sole owner of its state and the sole writer of its log. It knows nothing of sessions or sockets. What it
 * says, spends and may do, how it lives, and what ties it to others are parts of it.
 *
 * - **J2** What it says of itself to others (`status`, `remaining`, `ended`) is durable.
 */
export class Job implements KnownJob {
  readonly identity: JobIdentity;
  /** How often its agent was started, this time included. */
  readonly attempt: number;
  /** What its agent gave to `ctx.checkpoint` last, as JSON; undefined when it never did. */
  readonly checkpoint: string | undefined;
  /** Before which nothing of it is removed, where it has a key; in ms of the monotonic clock. */
  readonly keepUntil: number | undefined;
  /** Shared by a job and all that it delegates to: they pass on to each other what they have. */
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
  /** Made with the first: most jobs have none. */
  #checkpoints: Checkpoints | undefined;
  #trace: Trace | undefined;

  /** @throws ArcpError `LEASE_SUBSET_VIOLATION` when its budget does not fit into what its parent has available (R-9.4-4) */
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
    // Not before its budget is set aside: a job that is refused ties nobody.
    this.family = new Family(this, owner, parent?.family);
    this.life = new JobLife({ job: this, state: this.#state, log: this.#log, deadlines, context });
  }

  get budget(): Budget {
    return this.costs.budget;
  }

  /** What a later attempt begins with. */
  get checkpoints(): Checkpoints {
    this.#checkpoints ??= new Checkpoints({
      state: this.#state,
      log: this.#log,
      secrets: this.secrets,
    });
    return this.#checkpoints;
  }

  /** What everything that it calls is told of its trace (R-11-5); the same from the first call on. */
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

  /** When it is over at the latest, with all that stand above it: milliseconds since 1970; infinite when that is open. */
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

  /** Why its end stands nowhere but here, if that is so. */
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

  /** Characters that are kept of it as long as anything is: its lease and, once it has ended, its last record. */
  get size(): number {
    return JSON.stringify(this.lease).length + this.#log.endLength;
  }

  /** Whether it has said nothing yet, durable or not. */
  get silent(): boolean {
    return this.#log.nextSeq === 1;
  }

  /** How many records wait to become durable. */
  get waiting(): number {
    return this.#log.nextSeq - 1 - this.#log.durable;
  }

  /** The `job_seq` behind which everything is still to come; of an ended job its terminal record is (R-7.6-6). */
  get liveAfter(): number {
    return Math.min(this.#log.durable, this.life.terminalSeq - 1);
  }

  /** Its credentials of now, by the name of the provisioner. */
  get credentials(): ReadonlyMap<string, ProvisionedCredential> {
    return this.#context.credentials.of(this.id);
  }

  /** Resolves when the terminal record and the final state are durable; also when the job is suspended. */
  get ended(): Promise<void> {
    return this.#state.over;
  }

  /** Tells of a child, on the stream. @returns when that is durable */
  announce(child: Job, body: object): Promise<void> {
    const jobSeq = this.#log.nextSeq;
    void this.events.emit("delegate", body, "delegate", true);
    const durable = this.events.flush();
    child.family.announce(jobSeq, durable);
    return durable;
  }
}
