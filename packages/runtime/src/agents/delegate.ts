import type { AgentType, InputOf, Lease, OutputOf } from "@arcp/core";
import type { ChildJob } from "./child-job.ts";

/** How a delegation refers to an agent. Every `Agent` is one. */
export interface Delegable {
  readonly name: string;
  readonly version?: string | undefined;
}

/** What a delegated job may do, and for how long. Whatever is left out is not granted, and the parent's own bounds always apply. */
export interface DelegateOptions {
  /** The child's lease: within the parent's (R-9.4-1), with budgets within what the parent has available. Default: nothing. */
  readonly lease?: Lease | undefined;
  /** Not later than the parent's. Default: the parent's. */
  readonly expiresAt?: Date | undefined;
  /** Seconds after acceptance when the child ends with `TIMEOUT`. Default: no limit of its own. */
  readonly maxRuntimeSec?: number | undefined;
  /**
   * What the stream calls this delegation: unique within the job, at most 256 characters, and not of the form `call_7`, which tool
   * calls have. Default: generated.
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
 * @throws ArcpError `PERMISSION_DENIED` if the lease does not cover the agent, or too many jobs already stand above this one
 *   (R-10-8); `LEASE_SUBSET_VIOLATION`; `AGENT_NOT_AVAILABLE`; `INVALID_REQUEST`; and as for any operation
 * @throws LocalError `MISUSE` for an unknown option
 */
export type Delegate = <A extends AgentType = AgentType>(
  agent: string | (A & Delegable),
  input?: InputOf<A>,
  options?: DelegateOptions,
) => Promise<ChildJob<DelegatedResult<A>>>;
