import type { ArcpError, JobId } from "@arcp/core";
import type { Budget } from "../authority/budget.ts";
import { Expiry } from "../authority/expiry.ts";
import { type FileReach, fileReach } from "../authority/file-reach.ts";
import { Guard } from "../authority/guard.ts";
import type { CompiledLease } from "../authority/lease.ts";
import type { Deadlines } from "./deadlines.ts";
import { type Ending, expired, failure } from "./ending.ts";
import type { JobContext } from "./job-context.ts";

export interface JobAuthorityOptions {
  /** The job whose authority this is. */
  readonly job: Bearer;
  readonly lease: CompiledLease;
  readonly budget: Budget;
  /** Milliseconds since 1970; undefined if the lease does not expire. */
  readonly expiresAt: number | undefined;
  /** Milliseconds since 1970. */
  readonly acceptedAt: number;
  /** The authority of the job that delegated this one. */
  readonly parent: JobAuthority | undefined;
  readonly context: JobContext;
}

interface Bearer {
  readonly id: JobId;
  readonly principal: string;
  readonly live: boolean;
  readonly life: {
    /** Whether the job may still act. */
    readonly active: boolean;
    end(ending: Ending): boolean;
  };
}

/** What a job may do. Ends the job if it acts on an expired lease or, where configured, on an exhausted budget. */
export class JobAuthority {
  readonly lease: CompiledLease;
  /** The authority of the delegating job, which bounds this one. */
  readonly within: JobAuthority | undefined;
  readonly #job: Bearer;
  readonly #budget: Budget;
  readonly #expiry: Expiry | undefined;
  readonly #context: JobContext;
  #guard: Guard | undefined;
  #fileReach: FileReach | Promise<FileReach> | undefined;
  #doom: Ending | undefined;

  constructor(options: JobAuthorityOptions) {
    const { job, lease, budget, expiresAt, acceptedAt, parent, context } = options;
    this.lease = lease;
    this.within = parent;
    this.#job = job;
    this.#budget = budget;
    this.#context = context;
    this.#expiry =
      expiresAt === undefined
        ? undefined
        : new Expiry(
            context.clock,
            expiresAt,
            acceptedAt,
            parent === undefined ? undefined : parent.#expiry,
          );
  }

  /** Checks each operation. Created on first use: most jobs only emit events. */
  get guard(): Guard {
    this.#guard ??= new Guard({
      lease: this.lease,
      budget: this.#budget,
      expiry: this.#expiry,
      isActive: () => this.#job.life.active,
      openModels: this.#context.openModels,
      onExpired: () => this.#doomed(expired(`${this.#expiry}`), () => this.#expire()),
      onExhausted: (refusal) => this.#overspend(refusal),
    });
    return this.#guard;
  }

  /** Where the path patterns lead, resolved at the first call, before the agent runs. */
  get fileReach(): FileReach | Promise<FileReach> {
    this.#fileReach ??= fileReach(this.lease, this.within);
    return this.#fileReach;
  }

  /** Set once an operation was refused for good: no other ending except a cancel can win (R-9.5-4, R-9.6-7). */
  get doom(): Ending | undefined {
    return this.#doom;
  }

  /** Ends the job when its lease expires, if the runtime is configured to (R-9.5-3). */
  watchExpiry(deadlines: Deadlines): void {
    if (!this.#context.endsAtExpiry || this.#expiry === undefined) return;
    deadlines.watchExpiry(this.#expiry, () => this.#expire());
  }

  /** The lease has expired: ends the job, unless an acknowledged cancel takes precedence (R-9.5-4). */
  #expire(): void {
    const { id, principal, live } = this.#job;
    if (!live) return;
    const expiry = `${this.#expiry}`;
    this.#context.logger.warn({ job: id, principal, expiry }, "a lease expired");
    this.#job.life.end(expired(expiry));
  }

  #overspend(refusal: ArcpError): void {
    if (!this.#context.endsAtExhaustion) return;
    const ending = failure(refusal);
    this.#doomed(ending, () => {
      const { id, principal, live } = this.#job;
      if (live) this.#context.logger.warn({ job: id, principal }, "a job used up its budget");
      this.#job.life.end(ending);
    });
  }

  /** Ends the job in the next turn, so that the refusal of the operation reaches the stream first (R-9.3-3). */
  #doomed(ending: Ending, end: () => void): void {
    const first = this.#doom === undefined;
    // If the lease has expired by now, that is the ending.
    this.#doom = ending;
    if (first) void this.#context.committer.turn.next().then(end);
  }
}
