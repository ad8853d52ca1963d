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

/** What decides about a job before there is one. */
export interface AdmissionContext extends LeaseContext {
  readonly store: Pick<Store, "jobs" | "logs" | "idempotency" | "durable">;
  readonly jobs: JobTable;
  readonly quota: Quota;
  readonly credentials: Credentials;
  /** Whether the runtime takes no new jobs any more. */
  readonly closing: () => boolean;
}

/** A job as it was asked for, once what is wrong with the request by itself has been ruled out. */
export interface JobRequest {
  readonly id: JobId;
  readonly principal: string;
  readonly session: SessionId;
  readonly features: ReadonlySet<string>;
  /** The submit that it comes from; undefined for a delegated job. */
  readonly request: MessageId | undefined;
  readonly agent: AgentTerms;
  /** As it came, before the agent's schema made something of it. */
  readonly input: unknown;
  readonly lease: CompiledLease;
  /** Milliseconds since 1970. */
  readonly expiresAt: number | undefined;
  readonly maxRuntimeSec: number | undefined;
  /** Undefined when it names no trace. */
  readonly traceId: string | undefined;
  readonly traceContext: TraceContext | undefined;
  /** The job that delegates it, and what its stream says of that beside the id of the child. */
  readonly parent?:
    | { readonly job: Job; readonly delegateId: string; readonly event: object }
    | undefined;
}

/** @throws ArcpError `INTERNAL_ERROR` once the runtime takes no new jobs any more */
export function checkOpen({ closing }: Pick<AdmissionContext, "closing">): void {
  if (!closing()) return;
  throw new ArcpError("INTERNAL_ERROR", "the runtime is shutting down", {
    details: { reason: "shutting_down" },
  });
}

/** An idempotency key and what it is used for. */
export interface UsedKey {
  readonly key: string;
  readonly fingerprint: string;
}

/**
 * Makes a job, issues its credentials, and writes it down, with its idempotency key if it has one. Its clocks run when
 * this resolves, and of a delegated one its parent's stream has told; its agent is not started.
 * @throws ArcpError `INVALID_REQUEST` for a lease too large to be repeated, or an input that never fits; `INTERNAL_ERROR` for a
 * job too many, or too large beside the others (R-7.1-5); for a parent the refusals of its budget; what the issue of a credential
 * fails with (R-9.8-5)
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
  // Whoever observes it may begin the trace that the request does not name.
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
    // Held by its agent from now on, and written down where another process may run it again: of those it delegates none is.
    const again = context.store.durable && parent === undefined;
    row = rowOf(job, request.request, again ? input : undefined);
    const issued = context.credentials.issue(job);
    if (issued !== undefined) await issued;
    // Whoever delegates may have a new owner by now (R-7.2-8).
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
    // Asked for in this very turn: else its parent could end before it has told of a child that is there (R-10-2).
    announced = parent?.job.announce(job, { ...parent.event, child_job_id: job.id });
  } catch (error) {
    // It may be there, and the next process would take up a job whose submit was refused.
    if (isAsked) await remove(context.store, identity.id);
    job?.life.discard();
    // It was begun when it was asked for (O2).
    observed?.ended(refusal(error));
    leave();
    throw error;
  }
  context.jobs.add(job, leave);
  job.life.accept();
  if (announced !== undefined) await announced;
  return { job, row };
}

/** What a job is, before there is one. */
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

/** An acceptance repeats the lease, beside which nothing else in it is of any length. */
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

/** One list for all jobs of whoever agreed on the same features: it is kept with each of them. */
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
    // The key is asked for first, so that no crash leaves a job without it.
    store.idempotency.put({ principal, ...used, job, acceptedAt }),
    store.jobs.insert(row),
  ]);
}

/** There is no log yet, and what of the two can go goes, whatever becomes of the other. */
async function remove({ jobs, idempotency }: AdmissionContext["store"], id: JobId): Promise<void> {
  await Promise.allSettled([jobs.remove(id), idempotency.removeJob(id)]);
}
