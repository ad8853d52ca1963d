import {
  ArcpError,
  formatAgentReference,
  type JobId,
  type MessageId,
  newTraceId,
  type SessionId,
  type TraceContext,
} from "@arcp/core";
import type { CompiledLease } from "../authority/lease.ts";
import { jsonWeight } from "../json-weight.ts";
import type { JobRow, Store } from "../store/index.ts";
import { acceptanceOf } from "./acceptance.ts";
import type { AgentTerms } from "./agent-terms.ts";
import type { Credentials } from "./credentials.ts";
import { KEY_LIFETIME } from "./idempotency.ts";
import { Job } from "./job.ts";
import { attemptOf } from "./job-attempt.ts";
import type { JobIdentity } from "./job-identity.ts";
import { refusal } from "./job-outcome.ts";
import { type LeaseContext, MAX_ACCEPTANCE, tooLarge } from "./lease-request.ts";
import type { Quota } from "./quota.ts";
import type { JobTable } from "./table.ts";

/** What it takes to decide on a job request. */
export interface AdmissionContext extends LeaseContext {
  readonly store: Pick<Store, "jobs" | "logs" | "idempotency" | "durable">;
  readonly jobs: JobTable;
  readonly quota: Quota;
  readonly credentials: Credentials;
  /** Whether the runtime accepts no more jobs. */
  readonly closing: () => boolean;
}

/** A job request that is valid by itself. */
export interface JobRequest {
  readonly id: JobId;
  readonly principal: string;
  readonly session: SessionId;
  readonly features: ReadonlySet<string>;
  /** The submit that requested the job; undefined for a delegated job. */
  readonly request: MessageId | undefined;
  readonly agent: AgentTerms;
  /** As received, before the agent's schema transforms it. */
  readonly input: unknown;
  readonly lease: CompiledLease;
  /** Milliseconds since 1970. */
  readonly expiresAt: number | undefined;
  readonly maxRuntimeSec: number | undefined;
  /** Undefined if the request names no trace. */
  readonly traceId: string | undefined;
  readonly traceContext: TraceContext | undefined;
  /** The job that delegates it, and the delegation event for that job's stream, without the child's id. */
  readonly parent?:
    | { readonly job: Job; readonly delegateId: string; readonly event: object }
    | undefined;
}

/** @throws ArcpError `INTERNAL_ERROR` once the runtime accepts no more jobs */
export function checkOpen({ closing }: Pick<AdmissionContext, "closing">): void {
  if (!closing()) return;
  throw new ArcpError("INTERNAL_ERROR", "the runtime is shutting down", {
    details: { reason: "shutting_down" },
  });
}

/** An idempotency key and the fingerprint of the submit that uses it. */
export interface UsedKey {
  readonly key: string;
  readonly fingerprint: string;
}

/**
 * Creates a job, issues its credentials, and stores it together with its idempotency key, if any. When this resolves, its timers
 * run and its parent's stream, if any, has announced it; its agent has not been started.
 * @throws ArcpError `INVALID_REQUEST` for a lease too large to be repeated, or an input that never fits; `INTERNAL_ERROR` for one
 *   job too many, or one too large beside the others (R-7.1-5); for a child, the refusals of the parent's budget; the failure to
 *   issue a credential (R-9.8-5)
 */
export async function admit(
  context: AdmissionContext,
  request: JobRequest,
  used?: UsedKey,
): Promise<{ readonly job: Job; readonly row: JobRow }> {
  const { lease, parent, traceId } = request;
  const identity = identityOf(request, context.clock.now(), used);
  checkLength(identity, request);
  const input = JSON.stringify(request.input ?? null);
  const weight = jsonWeight(request.input, input.length);
  const leave = context.quota.reserve(identity.principal, weight);
  if (leave instanceof ArcpError) throw leave;
  const observed = context.observation?.job(attemptOf({ ...identity, traceId, lease, attempt: 1 }));
  // If the request names no trace, the observer may start one.
  const begun = traceId === undefined ? observed?.trace : undefined;
  let job: Job | undefined;
  let row: JobRow;
  let announced: Promise<void> | undefined;
  let isAsked = false;
  try {
    job = new Job(
      begun === undefined ? identity : { ...identity, traceId: begun.traceId },
      lease,
      context,
      { parent: parent?.job, observed },
    );
    // The agent keeps the input from now on. It is stored only if another process may run the job again, which never happens to
    // delegated jobs.
    const again = context.store.durable && parent === undefined;
    row = rowOf(job, request.request, again ? input : undefined);
    const issued = context.credentials.issue(job);
    if (issued !== undefined) await issued;
    // The parent may have been adopted by another session meanwhile (R-7.2-8).
    if (job.session !== row.session) {
      row = { ...row, session: job.session, submittedIn: row.session, request: undefined };
    }
    if (job.live) {
      isAsked = true;
      await insert(context.store, row, used);
    }
    if (!job.live) {
      throw new ArcpError("CANCELLED", "the job that delegates has ended");
    }
    // Requested in this very turn, or the parent could end before it has announced an existing child (R-10-2).
    announced = parent?.job.announce(job, { ...parent.event, child_job_id: job.id });
  } catch (error) {
    // The row may have been stored, and the next process would recover a job whose submit was refused.
    if (isAsked) await remove(context.store, identity.id);
    job?.life.discard();
    // The observer was told of the job before it was accepted, so it must be told of its end (O2).
    observed?.ended(refusal(error));
    leave();
    throw error;
  }
  context.jobs.add(job, leave);
  job.life.accept();
  if (announced !== undefined) await announced;
  return { job, row };
}

/** The identity of a job that is about to be created. */
function identityOf(
  request: JobRequest,
  acceptedAt: number,
  used: UsedKey | undefined,
): JobIdentity {
  const { agent, parent } = request;
  return {
    id: request.id,
    principal: request.principal,
    session: request.session,
    features: request.features,
    agent: formatAgentReference(agent),
    traceId: request.traceId ?? newTraceId(),
    traceContext: request.traceContext,
    acceptedAt,
    maxRuntimeSec: request.maxRuntimeSec,
    expiresAt: request.expiresAt,
    // A delegated job ends with the attempt that delegated it.
    attempts: parent === undefined ? (agent.attempts ?? 1) : 1,
    stallSec: agent.stallSec,
    keepUntil: used === undefined ? undefined : acceptedAt + KEY_LIFETIME,
    parent: parent?.job.id,
    delegateId: parent?.delegateId,
  };
}

/** An acceptance repeats the lease, the only part of it that can get long. */
function checkLength(identity: JobIdentity, { request, lease: { json: lease } }: JobRequest): void {
  if (Object.keys(lease).length === 0) return;
  const acceptance = acceptanceOf({ ...identity, request, lease });
  if (JSON.stringify(acceptance).length > MAX_ACCEPTANCE) throw tooLarge("payload.lease_request");
}

function rowOf(job: Job, request: MessageId | undefined, input: string | undefined): JobRow {
  const { identity, authority, observed } = job;
  return {
    id: identity.id,
    principal: identity.principal,
    session: identity.session,
    features: listed(identity.features),
    agent: identity.agent,
    traceId: identity.traceId,
    traceContext: identity.traceContext,
    firstAttempt: observed?.trace,
    acceptedAt: identity.acceptedAt,
    maxRuntimeSec: identity.maxRuntimeSec,
    expiresAt: identity.expiresAt,
    keepUntil: identity.keepUntil,
    parent: identity.parent,
    delegateId: identity.delegateId,
    request,
    input,
    lease: authority.lease.json,
    workspace: authority.lease.workspace,
    status: "pending",
  };
}

const lists = new WeakMap<ReadonlySet<string>, readonly string[]>();

/** Shares one list between all jobs with the same features, because every job keeps it. */
function listed(features: ReadonlySet<string>): readonly string[] {
  const list = lists.get(features) ?? [...features];
  lists.set(features, list);
  return list;
}

function insert(
  store: AdmissionContext["store"],
  row: JobRow,
  used: UsedKey | undefined,
): Promise<unknown> {
  if (used === undefined) return store.jobs.insert(row);
  const { id: job, principal, acceptedAt } = row;
  return Promise.all([
    // The key goes to the store first, so that no crash leaves a job without its key.
    store.idempotency.put({ principal, ...used, job, acceptedAt }),
    store.jobs.insert(row),
  ]);
}

/** Undoes {@link insert}; there is no log yet. One of the two removals may fail without stopping the other. */
async function remove({ jobs, idempotency }: AdmissionContext["store"], id: JobId): Promise<void> {
  await Promise.allSettled([jobs.remove(id), idempotency.removeJob(id)]);
}
