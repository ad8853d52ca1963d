import type { AgentType, InputOf, Lease, OutputOf } from "@arcp/core";
import type { ChildJob } from "./child-job.ts";

/** An agent as it is named to whoever is to run it. Every `Agent` is one. */
export interface Delegable {
  readonly name: string;
  readonly version?: string | undefined;
}

/** What a delegated job may do, and for how long. What is left out is not granted, but for what bounds the parent too. */
export interface DelegateOptions {
  /** The child's lease: within the parent's (R-9.4-1), its budgets within what the parent has available. Default: nothing. */
  readonly lease?: Lease | undefined;
  /** Not later than the parent's. Default: the parent's. */
  readonly expiresAt?: Date | undefined;
  /** Seconds after acceptance when the child ends with `TIMEOUT`. Default: no limit of its own. */
  readonly maxRuntimeSec?: number | undefined;
  /**
   * What the stream calls this delegation, unique within the job, of at most 256 characters, and not like the `call_7` of a
   * tool call. Default: made up.
   */
  readonly id?: string | undefined;
}

/** What a delegated agent gives: one that returns nothing may have written its result piece by piece. */
export type DelegatedResult<A extends AgentType> =
  unknown extends OutputOf<A>
    ? OutputOf<A>
    : [OutputOf<A>] extends [null]
      ? string | Uint8Array | null
      : OutputOf<A>;

/**
 * Starts a job of another agent. Resolves when that is durable; a refusal also shows on the stream (R-10-3).
 * @param agent its definition, or its reference: `name` or `name@version`
 * @throws ArcpError `PERMISSION_DENIED` when the lease does not cover the agent, or too many jobs stand above this one
 * already (R-10-8); `LEASE_SUBSET_VIOLATION`; `AGENT_NOT_AVAILABLE`; `INVALID_REQUEST`; and as any operation
 * @throws LocalError `MISUSE` for an option that there is not
 */
export type Delegate = <A extends AgentType = AgentType>(
  agent: string | (A & Delegable),
  input?: InputOf<A>,
  options?: DelegateOptions,
) => Promise<ChildJob<DelegatedResult<A>>>;
