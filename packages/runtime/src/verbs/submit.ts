import {
  type AgentReference,
  ArcpError,
  type Envelope,
  type Feature,
  parseAgentReference,
  readTrace,
} from "@arcp/core";
import { requestedAgent } from "../agents/permitted-agent.ts";
import { runAgent } from "../agents/run.ts";
import { checkedInput } from "../agents/schema-check.ts";
import { rejected } from "../dialect/rejection.ts";
import { acceptanceOf } from "../jobs/acceptance.ts";
import { admit, checkOpen, type UsedKey } from "../jobs/admission.ts";
import { fingerprint } from "../jobs/idempotency.ts";
import { grantLease, readExpiry, readLease } from "../jobs/lease-request.ts";
import type { Session } from "../session/session.ts";
import type { FailedReply, SubmitReply } from "../session/submit-log.ts";
import { createChild } from "./child-submit.ts";
import { earlierReply, refusalOf, rememberRefusal, replyAgain } from "./earlier-reply.ts";
import { refuse } from "./reject.ts";
import { resubmission } from "./resubmission.ts";
import type { Services, Verb } from "./services.ts";

/** Where a submit has these fields, as text for people. */
const LEASE = "payload.lease_request";
const EXPIRES_AT = "payload.lease_constraints.expires_at";

type Submit = Envelope<"job.submit">;

/**
 * Accepts a job: durable first, then `job.accepted`, then the agent starts (R-7.1-2). Submits are worked out concurrently and
 * answered in order (R-5.4-5). A submit that was answered before gets the same reply (R-5.4-8).
 */
export const submit: Verb<"job.submit"> = (services, { session }, request) =>
  session.submits.answer(
    request.id,
    () => decide(services, session, request),
    (reply) => {
      const { pressure } = session;
      // While the client does not read, the submit stays unanswered, and messages that could be mistaken for its reply wait as
      // well.
      const giving = () => give(services, session, request, reply);
      return pressure === undefined ? giving() : pressure.then(giving);
    },
  );

function give(
  services: Services,
  session: Session,
  request: Submit,
  reply: SubmitReply | FailedReply,
): unknown {
  if (reply.kind === "refused" || reply.kind === "failed") {
    const error = reply.kind === "failed" ? refusalOf(services, reply.error) : reply.error;
    return session.change(() => refuse(services, session, rejected(request), error));
  }
  if (reply.kind === "remembered") {
    return replyAgain(services, reply).then((again) => give(services, session, request, again));
  }
  const answer = (): void => {
    session.submits.said(request.id, reply.announcement);
    session.say(reply.announcement);
    reply.begin?.();
  };
  const { job_id: job } = reply.announcement;
  if (job === undefined || reply.follow === undefined) return session.change(answer);
  return session.confirm(job, reply.follow, answer).finally(reply.release);
}

async function decide(services: Services, session: Session, request: Submit): Promise<SubmitReply> {
  const { idempotency_key: key } = request.payload;
  const deciding = () =>
    session.restored ? acceptOnce(services, session, request) : accept(services, session, request);
  try {
    // Serialized from the first lookup on, so that the reply to the submit that creates the job precedes the replies to those that
    // find it.
    if (key !== undefined) return await services.keyed.run(session.principal, key, deciding);
    return await deciding();
  } catch (thrown) {
    const error = refusalOf(services, thrown);
    // Do not store a refusal caused by this shutdown: the next process can accept the submit.
    if (!services.closing()) await rememberRefusal(services, session, request, error);
    return { kind: "refused", error };
  }
}

/** Like {@link accept}, unless the previous process has answered the submit. */
async function acceptOnce(
  services: Services,
  session: Session,
  request: Submit,
): Promise<SubmitReply> {
  const earlier = await earlierReply(services, session, request);
  return earlier ?? (await accept(services, session, request));
}

/** Runs the checks in their order (R-7.1-1), from the features on. */
function accept(services: Services, session: Session, request: Submit): Promise<SubmitReply> {
  checkFeatures(session.features, request);
  const reference = readAgent(request.payload.agent);
  const { idempotency_key: key } = request.payload;
  if (key === undefined) return create(services, session, request, reference, undefined);
  const used = { key, fingerprint: fingerprint(request.payload) };
  return resubmission(services, session, request, used).then(
    (reply) => reply ?? create(services, session, request, reference, used),
  );
}

async function create(
  services: Services,
  session: Session,
  request: Submit,
  reference: AgentReference,
  used: UsedKey | undefined,
): Promise<SubmitReply> {
  const { principal, features } = session;
  const { payload } = request;
  if (payload.parent_job_id !== undefined) return createChild(services, session, request, used);
  const trace = readTrace(request);
  const agent = requestedAgent(services, principal, reference);
  if (agent instanceof ArcpError) throw agent;
  // Awaits only promises, here and below: on a small submit, most of the time would go into needless awaits.
  const checked = checkedInput(agent, payload.input);
  const input = checked instanceof Promise ? await checked : checked;
  const requested = readLease(services, agent, payload.lease_request ?? {}, LEASE);
  const granted = grantLease(services, principal, agent, requested);
  const lease = granted instanceof Promise ? await granted : granted;
  // Checked late, because an agent's input schema may outlast the time limit of a closing runtime.
  checkOpen(services);
  const wanted = {
    principal,
    session: session.id,
    features,
    request: request.id,
    agent,
    input: payload.input,
    lease,
    expiresAt: expiryOf(services, request),
    maxRuntimeSec: payload.max_runtime_sec,
    traceId: trace?.traceId,
    traceContext: trace?.context,
  };
  const { job, row } = await session.submits.unsaid.making((id) =>
    admit(services, { id, ...wanted }, used),
  );
  const begin = (): void => {
    session.own(job.id, job.silent);
    void runAgent(job, agent, input, services);
  };
  return { kind: "accepted", announcement: acceptanceOf(row), begin };
}

function expiryOf({ clock }: Services, { payload }: Submit): number | undefined {
  const text = payload.lease_constraints?.expires_at;
  return text === undefined ? undefined : readExpiry(clock, text, EXPIRES_AT);
}

/** A restriction that was not negotiated is refused, never dropped silently (R-6.2-4). */
function checkFeatures(features: ReadonlySet<string>, { payload }: Submit): void {
  const { lease_request: lease, lease_constraints: constraints, agent } = payload;
  const need = (feature: Feature): void => {
    if (features.has(feature)) return;
    throw new ArcpError("INVALID_REQUEST", `this session did not negotiate ${feature}`, {
      details: { feature },
    });
  };
  if (lease?.["cost.budget"] !== undefined) need("cost.budget");
  if (lease?.["model.use"] !== undefined) need("model.use");
  if (constraints?.expires_at !== undefined) need("lease_expires_at");
  if (agent.includes("@")) need("agent_versions");
}

function readAgent(text: string): AgentReference {
  const reference = parseAgentReference(text);
  if (reference !== undefined) return reference;
  throw new ArcpError("INVALID_REQUEST", "payload.agent: must be name or name@version");
}
