import {
  ArcpError,
  type EventBody,
  formatAgentReference,
  formatTimestamp,
  type JobId,
  type MessageId,
  newJobId,
  parseAgentReference,
} from "@arcp/core";
import type { CompiledLease } from "../authority/lease.ts";
import { withModelsOf } from "../authority/model-use.ts";
import { excess } from "../authority/subset.ts";
import { constraintsOf } from "../jobs/acceptance.ts";
import { admit, checkOpen, type UsedKey } from "../jobs/admission.ts";
import type { Job } from "../jobs/job.ts";
import { compared, grantLease, readExpiry, readLease } from "../jobs/lease-request.ts";
import type { JobRow } from "../store/index.ts";
import type { AnyAgent } from "./agent.ts";
import type { AgentHost } from "./agent-host.ts";
import { permittedAgent } from "./permitted-agent.ts";
import { checkedInput } from "./schema-check.ts";

/** A requested delegation: the body of the event that announces it. */
export type Wanted = EventBody<"delegate"> & {
  readonly delegate_id: string;
  readonly agent: string;
};

/** A submit that delegates, and the id for its job. */
interface Submitted {
  readonly id?: JobId;
  readonly request?: MessageId;
  readonly used?: UsedKey | undefined;
}

/** A delegated job whose agent has not been started. */
export interface Delegated {
  readonly child: Job;
  readonly row: JobRow;
  readonly agent: AnyAgent;
  /** As the agent's schema transforms it. */
  readonly input: unknown;
}

/**
 * Admits a job as the child of another one, and announces it on the parent's stream. Resolves when that is durable.
 * @param input as JSON
 * @param submitted the submit that requests it, if it comes from a client (R-D-12)
 * @throws ArcpError as in {@link Delegate}
 */
export async function admitChild(
  context: AgentHost,
  parent: Job,
  wanted: Wanted,
  input: unknown,
  submitted: Submitted = {},
): Promise<Delegated> {
  checkSecrets(parent, wanted);
  const { id = newJobId(), request, used } = submitted;
  const { session } = parent;
  const agent = agentOf(context, parent, wanted);
  const taken = await checkedInput(agent, input, "input");
  const within = await leaseOf(context, parent, agent, wanted);
  // A client cannot evade the policy by naming a parent. What an agent delegates is bounded by its own lease.
  const byAgent = request === undefined;
  const lease = byAgent ? within : await grantLease(context, parent.principal, agent, within);
  // Checked again: the awaits above leave time for a cancel, an expiry or an exhaustion. There is no await between this check and
  // reserving the child's budget.
  parent.authority.guard.authorize("agent.delegate", formatAgentReference(agent));
  checkOpen(context);
  const depth = parent.lineage.length;
  if (depth >= context.limits.delegationDepth) {
    throw new ArcpError(
      "PERMISSION_DENIED",
      `${depth} jobs are above this one; it may not delegate further`,
      { details: { reason: "delegation_depth" } },
    );
  }
  const expiresAt = expiryOf(context, parent, wanted);
  const { traceId, ...traceContext } = parent.trace;
  const asked = {
    id,
    principal: parent.principal,
    session: parent.session,
    features: parent.identity.features,
    // The parent may have a new owner by now, which did not request this job.
    request: parent.session === session ? request : undefined,
    agent,
    input,
    lease,
    expiresAt,
    maxRuntimeSec: wanted.max_runtime_sec,
    traceId,
    traceContext,
    parent: {
      job: parent,
      delegateId: wanted.delegate_id,
      event: {
        ...wanted,
        lease_request: lease.json,
        // Normalized, because a client may write the same time in any form and length (R-5.2-2).
        lease_constraints: wanted.lease_constraints && constraintsOf({ expiresAt }),
      },
    },
  };
  // The child starts after the record that announces it (J2).
  const { job: child, row } = await admit(context, asked, used);
  return { child, row, agent, input: taken };
}

/** All of a delegation except its input is stored and shown verbatim, so it must not contain secrets (R-9.8-10). */
function checkSecrets({ secrets }: Job, { input: _, ...kept }: Wanted): void {
  const text = JSON.stringify(kept);
  if (secrets.clean(text) === text) return;
  throw new ArcpError("INVALID_REQUEST", "a credential may be passed on only in the input");
}

/** Checks the lease first, so that a refusal does not reveal whether such an agent exists. */
function agentOf(context: AgentHost, parent: Job, { agent: text }: Wanted): AnyAgent {
  const { guard } = parent.authority;
  const reference = parseAgentReference(text);
  if (reference === undefined) {
    throw new ArcpError("INVALID_REQUEST", "agent: must be name or name@version");
  }
  let found: AnyAgent | ArcpError;
  try {
    found = permittedAgent(context, parent.principal, reference);
  } catch (error) {
    // Nor does it reveal that the policy failed.
    guard.authorize("agent.delegate", text);
    throw error;
  }
  guard.authorize(
    "agent.delegate",
    found instanceof ArcpError ? text : formatAgentReference(found),
  );
  if (found instanceof ArcpError) throw found;
  return found;
}

async function leaseOf(
  context: AgentHost,
  { authority: { lease: outer } }: Job,
  agent: AnyAgent,
  { lease_request: requested = {} }: Wanted,
): Promise<CompiledLease> {
  const effective = withModelsOf(outer.json, context.openModels, requested);
  const lease = readLease(context, agent, effective, "lease");
  const problem = await compared(context.committer.turn, excess(outer, lease));
  if (problem === undefined) return lease;
  throw new ArcpError("LEASE_SUBSET_VIOLATION", `lease: ${problem}`);
}

/** @returns milliseconds since 1970 */
function expiryOf(
  { clock }: AgentHost,
  { expiresAt: outer }: Job,
  { lease_constraints }: Wanted,
): number | undefined {
  const text = lease_constraints?.expires_at;
  if (text === undefined) return outer;
  const expiresAt = readExpiry(clock, text, "expiresAt");
  if (outer === undefined || expiresAt <= outer) return expiresAt;
  throw new ArcpError(
    "LEASE_SUBSET_VIOLATION",
    `expiresAt: the lease of this job ends at ${formatTimestamp(outer)}`,
  );
}
