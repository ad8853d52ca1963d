import {
  type AgentReference,
  ArcpError,
  type Envelope,
  formatAgentReference,
  type Lease,
  newJobId,
  newTraceId,
  parseAgentReference,
  readTraceId,
} from "@arcp/core";
import { parseExpiry } from "../authority/expiry.ts";
import type { CompiledLease } from "../authority/lease.ts";
import { compileLease } from "../authority/lease.ts";
import { acceptanceOf } from "../jobs/acceptance.ts";
import { checkedInput } from "../jobs/agent-input.ts";
import type { AnyAgent } from "../jobs/agents.ts";
import { fingerprint, KEY_LIFETIME } from "../jobs/idempotency.ts";
import { Job } from "../jobs/job.ts";
import { runAgent } from "../jobs/run.ts";
import type { Announcement } from "../session/announcement.ts";
import type { Session } from "../session/session.ts";
import type { SubmitReply } from "../session/submit-log.ts";
import type { JobRow, Store } from "../store/index.ts";
import { rejection } from "./reject.ts";
import { resubmission, type UsedKey } from "./resubmission.ts";
import type { Services, Verb } from "./services.ts";

/** Characters of an acceptance: with the widest of them it still fits one message (R-4.1-7). */
const MAX_ACCEPTANCE = 256 * 1024;

type Submit = Envelope<"job.submit">;

/**
 * Accepts a job: durable first, then `job.accepted`, then the agent starts (R-7.1-2). Submits are worked out
 * concurrently and answered in order (R-5.4-5); one that was answered before is answered the same again (R-5.4-8).
 */
export const submit: Verb<"job.submit"> = (services, { session }, request) =>
  session.submits.answer(
    request.id,
    () => decide(services, session, request),
    async ({ announcement, begin }) => {
      const pressure = session.pressure;
      if (pressure !== undefined) await pressure;
      session.change(() => {
        session.say(announcement);
        begin?.();
      });
    },
  );

async function decide(services: Services, session: Session, request: Submit): Promise<SubmitReply> {
  try {
    return (
      (await earlierReply(services, session, request)) ?? (await accept(services, session, request))
    );
  } catch (thrown) {
    const error = ArcpError.from(thrown);
    if (error !== thrown) services.logger.error({ err: thrown }, "a submit failed");
    const announcement = rejection({ id: request.id }, error);
    // The next process is not the one that shuts down.
    if (!services.closing()) await remember(services, session, request, announcement);
    return { announcement };
  }
}

/** A refusal is remembered as durably as its session, so that the very submit is never decided twice (R-5.4-8). */
async function remember(
  { store, logger }: Services,
  { stream }: Session,
  { id: request }: Submit,
  announcement: Announcement,
): Promise<void> {
  if (!store.durable) return;
  try {
    await stream.commit({ refused: { request, reply: JSON.stringify(announcement) } });
  } catch (error) {
    logger.error({ session: stream.session, err: error }, "a refusal could not be stored");
  }
}

/** The checks in their order (R-7.1-1), from the features on. */
async function accept(services: Services, session: Session, request: Submit): Promise<SubmitReply> {
  checkFeatures(session.features, request);
  const reference = readAgent(request.payload.agent);
  const { idempotency_key: key } = request.payload;
  if (key === undefined) return create(services, session, request, reference, undefined);
  const used = { key, fingerprint: fingerprint(request.payload) };
  return services.keyed.run(
    session.principal,
    key,
    async () =>
      (await resubmission(services, session, request, used)) ??
      (await create(services, session, request, reference, used)),
  );
}

async function create(
  services: Services,
  session: Session,
  request: Submit,
  reference: AgentReference,
  used: UsedKey | undefined,
): Promise<SubmitReply> {
  const agent = resolveAgent(services, session.principal, reference);
  const input = await checkedInput(agent, request.payload.input);
  // Only now: an agent's check of its input may outlast the patience of a closing runtime.
  if (services.closing()) {
    throw new ArcpError("INTERNAL_ERROR", "the runtime is shutting down", {
      details: { reason: "shutting_down" },
    });
  }
  const requested = request.payload.lease_request ?? {};
  checkPatterns(services, requested);
  const lease = compile(services, session.principal, agent, requested);
  const expiresAt = expiryOf(services, request);
  const job = createJob(services, session, request, agent, { lease, expiresAt });
  const { id, agent: resolved, traceId, acceptedAt, keepUntil } = job.identity;
  const row: JobRow = {
    id,
    principal: session.principal,
    session: session.id,
    features: [...session.features],
    request: request.id,
    agent: resolved,
    input: JSON.stringify(request.payload.input ?? null),
    lease: job.lease,
    expiresAt,
    maxRuntimeSec: request.payload.max_runtime_sec,
    traceId,
    acceptedAt,
    keepUntil,
    workspace: job.authority.workspace,
    status: "pending",
  };
  const announcement = acceptanceOf(row);
  if (JSON.stringify(announcement).length > MAX_ACCEPTANCE) {
    throw new ArcpError("INVALID_REQUEST", "payload.lease_request: is too large");
  }
  const leave = reserve(services, session.principal);
  try {
    await insert(services.store, row, used);
  } catch (error) {
    leave();
    throw error;
  }
  services.jobs.add(job, leave);
  job.accept();
  const begin = (): void => {
    session.follow(id, "owner", 0);
    void runAgent(job, agent, input, services);
  };
  return { announcement, begin };
}

/** @returns gives the place back @throws ArcpError when the principal has as many jobs as it may (R-7.1-5) */
function reserve({ jobs }: Services, principal: string): () => void {
  const leave = jobs.reserve(principal);
  if (leave !== undefined) return leave;
  throw new ArcpError("INTERNAL_ERROR", "too many jobs of this principal are running", {
    retryable: true,
    details: { reason: "live_jobs_per_principal" },
  });
}

async function insert(store: Store, row: JobRow, used: UsedKey | undefined): Promise<void> {
  const { id: job, principal, acceptedAt } = row;
  // The key first, so that no crash leaves a job without it.
  if (used !== undefined) await store.idempotency.put({ principal, ...used, job, acceptedAt });
  try {
    await store.jobs.insert(row);
  } catch (error) {
    // It may be there all the same, and the next process would take up a job whose submit was refused.
    await Promise.allSettled([store.jobs.remove(job), store.idempotency.removeJob(job)]);
    throw error;
  }
}

/** The reply that this submit got from the process before this one, if it got one (R-5.4-8). */
async function earlierReply(
  { store }: Services,
  session: Session,
  request: Submit,
): Promise<SubmitReply | undefined> {
  if (!session.restored) return undefined;
  const [row] = await store.jobs.list({ session: session.id, request: request.id, limit: 1 });
  if (row !== undefined) return { announcement: acceptanceOf(row) };
  const refusal = await store.sessions.refusal(session.id, request.id);
  return refusal === undefined ? undefined : { announcement: JSON.parse(refusal) };
}

/** A restriction that the session did not agree on is refused, never dropped silently (R-6.2-4). */
function checkFeatures(features: ReadonlySet<string>, { payload }: Submit): void {
  const lease = payload.lease_request ?? {};
  const needed = [
    ["cost.budget", "cost.budget" in lease],
    ["model.use", "model.use" in lease],
    ["lease_expires_at", payload.lease_constraints?.expires_at !== undefined],
    ["agent_versions", payload.agent.includes("@")],
  ] as const;
  for (const [feature, used] of needed) {
    if (!used || features.has(feature)) continue;
    throw new ArcpError("INVALID_REQUEST", `this session did not agree on ${feature}`, {
      details: { feature },
    });
  }
}

function readAgent(text: string): AgentReference {
  const reference = parseAgentReference(text);
  if (reference !== undefined) return reference;
  throw new ArcpError("INVALID_REQUEST", "payload.agent: must be name or name@version");
}

function resolveAgent(
  { agents, policy }: Services,
  principal: string,
  reference: AgentReference,
): AnyAgent {
  if (!policy.maySubmit(principal, reference.name)) {
    throw new ArcpError("AGENT_NOT_AVAILABLE", `there is no agent ${reference.name} here`);
  }
  const agent = agents.resolve(reference);
  if (agent instanceof ArcpError) throw agent;
  return agent;
}

/** @throws ArcpError `INVALID_REQUEST` for more patterns than one job may have (R-14-2) */
function checkPatterns({ limits }: Services, requested: Lease): void {
  const count = Object.values(requested).flat().length;
  if (count <= limits.patternsPerLease) return;
  throw new ArcpError(
    "INVALID_REQUEST",
    `payload.lease_request: has ${count} patterns; ${limits.patternsPerLease} are allowed`,
    { details: { reason: "patterns_per_lease" } },
  );
}

function compile(
  { policy, workspace }: Services,
  principal: string,
  agent: AnyAgent,
  requested: Lease,
): CompiledLease {
  const granted = policy.grant(principal, requested);
  const compiled = compileLease(granted, { workspace: agent.workspace ?? workspace });
  if (!compiled.ok) {
    throw new ArcpError("INVALID_REQUEST", `payload.lease_request.${compiled.problem}`);
  }
  return compiled.lease;
}

/** @returns milliseconds since 1970 @throws ArcpError `INVALID_REQUEST` (R-9.5-1) */
function expiryOf({ clock }: Services, { payload }: Submit): number | undefined {
  const text = payload.lease_constraints?.expires_at;
  if (text === undefined) return undefined;
  const expiresAt = parseExpiry(text);
  if (expiresAt !== undefined && expiresAt > clock.now()) return expiresAt;
  const problem =
    expiresAt === undefined ? "must be in UTC, such as 2026-11-02T20:00:00Z" : "has passed";
  throw new ArcpError("INVALID_REQUEST", `payload.lease_constraints.expires_at: ${problem}`);
}

function createJob(
  services: Services,
  session: Session,
  request: Submit,
  agent: AnyAgent,
  { lease, expiresAt }: { lease: CompiledLease; expiresAt: number | undefined },
): Job {
  const traceId = request.trace_id === undefined ? undefined : readTraceId(request.trace_id);
  const acceptedAt = services.clock.now();
  const { idempotency_key: key, max_runtime_sec: maxRuntimeSec } = request.payload;
  return new Job(
    {
      id: newJobId(),
      principal: session.principal,
      session: session.id,
      features: session.features,
      request: request.id,
      agent: formatAgentReference(agent),
      traceId: traceId ?? newTraceId(),
      acceptedAt,
      maxRuntimeSec,
      expiresAt,
      attempts: agent.attempts ?? 1,
      stallSec: agent.stallSec,
      keepUntil: key === undefined ? undefined : acceptedAt + KEY_LIFETIME,
    },
    lease,
    services.jobContext,
  );
}
