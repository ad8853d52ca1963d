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
  /** Whose authority it is. */
  readonly job: Bearer;
  readonly lease: CompiledLease;
  readonly budget: Budget;
  /** Milliseconds since 1970; undefined when the lease does not expire. */
  readonly expiresAt: number | undefined;
  /** Milliseconds since 1970. */
  readonly acceptedAt: number;
  /** That of the job that delegated it. */
  readonly parent: JobAuthority | undefined;
  readonly context: JobContext;
}

interface Bearer {
  readonly id: JobId;
  readonly principal: string;
  readonly live: boolean;
  readonly life: {
    /** Whether it may still act. */
    readonly active: boolean;
    end(ending: Ending): boolean;
  };
}

/** What a job may do, and that it ends when it tries what is over: a lease that expired, a budget that is used up. */
export class JobAuthority {
  readonly lease: CompiledLease;
  /** That of the job that delegated it, which bounds this one. */
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

  /** Asked before each operation. Made when it is first asked: most jobs only say something. */
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

  /** Where its path patterns lead: as it was when that was first asked, before its agent ran. */
  get fileReach(): FileReach | Promise<FileReach> {
    this.#fileReach ??= fileReach(this.lease, this.within);
    return this.#fileReach;
  }

  /** An operation was refused for good: no other ending but a cancel can win (R-9.5-4, R-9.6-7). */
  get doom(): Ending | undefined {
    return this.#doom;
  }

  /** Ends the job at the moment at which its lease expires, where the runtime wants that (R-9.5-3). */
  watchExpiry(deadlines: Deadlines): void {
    if (!this.#context.endsAtExpiry || this.#expiry === undefined) return;
    deadlines.watchExpiry(this.#expiry, () => this.#expire());
  }

  /** The lease allows nothing any more: the job ends, or a cancel that was acknowledged has its last word (R-9.5-4). */
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

  /** Ends the job in a moment: the refusal of its operation goes onto the stream first (R-9.3-3). */
  #doomed(ending: Ending, end: () => void): void {
    const first = this.#doom === undefined;
    // A lease that has expired by now has the last word.
    this.#doom = ending;
    if (first) void this.#context.committer.turn.next().then(end);
  }
}
