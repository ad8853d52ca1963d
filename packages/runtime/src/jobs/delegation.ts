import {
  type AgentReference,
  ArcpError,
  type EventBody,
  formatAgentReference,
  formatTimestamp,
  type JobId,
  type MessageId,
  newJobId,
  newMessageId,
  parseAgentReference,
} from "@arcp/core";
import { clip } from "../authority/clip.ts";
import type { CompiledLease } from "../authority/lease.ts";
import { withModelsOf } from "../authority/model-use.ts";
import { excess } from "../authority/subset.ts";
import type { JobRow } from "../store/index.ts";
import {
  type AdmissionContext,
  admit,
  checkOpen,
  resolveAgent,
  type UsedKey,
} from "./admission.ts";
import type { AnyAgent } from "./agents.ts";
import { Backlog } from "./backlog.ts";
import { type ChildJob, childJob } from "./child-job.ts";
import type { Delegable, DelegateOptions } from "./delegate.ts";
import { wireError } from "./ending.ts";
import { eventBody } from "./event-body.ts";
import type { Job } from "./job.ts";
import { compared, grantLease, readExpiry, readLease } from "./lease-request.ts";
import { plainJson } from "./plain-json.ts";
import { checkedInput } from "./schema-check.ts";
import { shown } from "./shown.ts";

/** Characters that the id of a delegation may have: it stands in the acceptance of the child. */
const MAX_ID = 256;

/** Whose result a `tool_result` is, its `call_id` alone says (R-8.2-1, R-10-3). */
const CALL_ID = /^call_[\d.]+$/;

/** A delegation as it is wanted: the body of the event that tells of it. */
export type Wanted = EventBody<"delegate"> & {
  readonly delegate_id: string;
  readonly agent: string;
};

/** A submit that delegates, and the id that its job is to have. */
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
  /** As the agent's schema makes it. */
  readonly input: unknown;
}

/**
 * Admits a job as the child of another one, and tells of it on that one's stream. Resolves when that is durable.
 * @param input as JSON
 * @param submitted the submit that asks for it, where it is a client who does (R-D-12)
 * @throws ArcpError as {@link Delegate} has it
 */
export async function delegate(
  context: AdmissionContext,
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
  // To name a parent is no way around what the policy grants; what an agent delegates, its own lease bounds.
  const byAgent = request === undefined;
  const lease = byAgent ? within : await grantLease(context, parent.principal, agent, within);
  // Between the two a cancel, an expiry or an exhaustion may have passed; from here to the child's place in the budget
  // nothing can come in between.
  check(parent, formatAgentReference(agent));
  checkOpen(context);
  const depth = parent.lineage.length;
  if (depth >= context.limits.delegationDepth) {
    throw new ArcpError(
      "PERMISSION_DENIED",
      `${depth} jobs stand above this one; no more may be delegated`,
      { details: { reason: "delegation_depth" } },
    );
  }
  const { traceId, ...traceContext } = parent.trace;
  const asked = {
    id,
    principal: parent.principal,
    session: parent.session,
    features: parent.identity.features,
    // Its session may be gone by now, and those below belong to a new owner that did not ask.
    request: parent.session === session ? request : undefined,
    agent,
    input,
    lease,
    expiresAt: expiryOf(context, parent, wanted),
    maxRuntimeSec: wanted.max_runtime_sec,
    traceId,
    traceContext,
    parent: {
      job: parent,
      delegateId: wanted.delegate_id,
      event: { ...wanted, lease_request: lease.json },
    },
  };
  // The child starts behind the record that tells of it (J2).
  const { job: child, row } = await admit(context, asked, used);
  return { child, row, agent, input: taken };
}

/** What ties a child to its parent, and its lease, is written down and shown as it is (R-9.8-10). */
function checkSecrets({ secrets }: Job, { input: _, ...kept }: Wanted): void {
  const text = JSON.stringify(kept);
  if (secrets.clean(text) === text) return;
  throw new ArcpError("INVALID_REQUEST", "a credential may be handed on in the input alone");
}

/** What is not covered is refused before anybody learns whether there is such an agent. */
function agentOf(context: AdmissionContext, parent: Job, { agent: text }: Wanted): AnyAgent {
  const reference = parseAgentReference(text);
  if (reference === undefined) {
    throw new ArcpError("INVALID_REQUEST", "agent: must be name or name@version");
  }
  const found = find(context, parent.principal, reference);
  check(parent, found instanceof ArcpError ? text : formatAgentReference(found));
  if (found instanceof ArcpError) throw found;
  return found;
}

function find(
  context: AdmissionContext,
  principal: string,
  reference: AgentReference,
): AnyAgent | ArcpError {
  try {
    return resolveAgent(context, principal, reference);
  } catch (error) {
    return ArcpError.from(error);
  }
}

function check({ authority }: Job, agent: string): void {
  const refusal = authority.guard.check("agent.delegate", agent);
  if (refusal !== undefined) throw refusal;
}

async function leaseOf(
  context: AdmissionContext,
  { authority: { lease: outer } }: Job,
  agent: AnyAgent,
  { lease_request: requested = {} }: Wanted,
): Promise<CompiledLease> {
  const effective = withModelsOf(outer.json, context.jobContext.openModels, requested);
  const lease = readLease(context, agent, effective, "lease");
  const problem = await compared(context, excess(outer, lease));
  if (problem === undefined) return lease;
  throw new ArcpError("LEASE_SUBSET_VIOLATION", `lease: ${problem}`);
}

/** @returns milliseconds since 1970 */
function expiryOf(
  { clock }: AdmissionContext,
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

/** Lets one job start others, within its own lease (section 10). */
export class Delegation {
  readonly #job: Job;
  readonly #context: AdmissionContext;
  readonly #start: (delegated: Delegated) => void;
  readonly #used = new Set<string>();
  readonly #underWay = new Backlog("delegations are under way");

  /** @param start runs the agent of a child */
  constructor(job: Job, context: AdmissionContext, start: (delegated: Delegated) => void) {
    this.#job = job;
    this.#context = context;
    this.#start = start;
  }

  /** As {@link Delegate} has it. @throws BackpressureError at once, where its event would not be taken */
  delegate<Output>(
    agent: string | Delegable,
    input?: unknown,
    options: DelegateOptions = {},
  ): Promise<ChildJob<Output>> {
    this.#job.events.checkRoom();
    this.#underWay.check();
    this.#underWay.add(0);
    return this.#delegate<Output>(agent, input, options).finally(() => this.#underWay.remove(1, 0));
  }

  async #delegate<Output>(
    agent: string | Delegable,
    input: unknown,
    options: DelegateOptions,
  ): Promise<ChildJob<Output>> {
    const given = plainJson(input ?? null, "input");
    const wanted = this.#read(agent, given, options);
    try {
      const delegated = await delegate(this.#context, this.#job, wanted, given);
      // A child that is over by a clock of its own was told of all the same.
      if (!this.#job.live) {
        throw new ArcpError("CANCELLED", "the delegated job was ended before it began");
      }
      this.#start(delegated);
      const { store, jobContext } = this.#context;
      return childJob(this.#job, delegated.child, wanted.delegate_id, {
        logs: store.logs,
        turn: jobContext.committer.turn,
      });
    } catch (thrown) {
      const error = ArcpError.from(thrown);
      if (error !== thrown) {
        const { id, secrets } = this.#job;
        this.#context.logger.error(
          { job: id, err: secrets.cleanError(thrown) },
          "a delegation failed",
        );
      }
      await this.#refuse(wanted, error);
      throw error;
    }
  }

  #read(agent: string | Delegable, input: unknown, options: DelegateOptions): Wanted {
    const { lease, expiresAt, maxRuntimeSec, id = newMessageId("del_") } = options;
    if (id.length > MAX_ID) {
      throw new ArcpError("INVALID_REQUEST", `id: has more than ${MAX_ID} characters`);
    }
    if (expiresAt !== undefined && !isMoment(expiresAt)) {
      throw new ArcpError("INVALID_REQUEST", "expiresAt: is no valid date");
    }
    const { attempt } = this.#job;
    const body = eventBody("delegate", {
      // Unique within the job, whose earlier attempts may have used the same one.
      delegate_id: attempt === 1 ? id : `${id}.${attempt}`,
      agent: typeof agent === "string" ? agent : formatAgentReference(agent),
      input: shown(input),
      // Looked at more than once, and in between its giver may change it.
      lease_request: lease && plainJson(lease, "lease"),
      ...(expiresAt && { lease_constraints: { expires_at: formatTimestamp(expiresAt.getTime()) } }),
      max_runtime_sec: maxRuntimeSec,
    });
    const { delegate_id = "", agent: text = "" } = body;
    if (CALL_ID.test(delegate_id)) {
      throw new ArcpError(
        "INVALID_REQUEST",
        `${delegate_id} is what the runtime calls a tool call`,
      );
    }
    if (this.#used.has(delegate_id)) {
      throw new ArcpError(
        "INVALID_REQUEST",
        `${clip(delegate_id)} is the id of another delegation`,
      );
    }
    this.#used.add(delegate_id);
    return { ...body, delegate_id, agent: text };
  }

  async #refuse(wanted: Wanted, error: ArcpError): Promise<void> {
    void this.#job.events.emit("delegate", wanted, "event", true);
    const body = { call_id: wanted.delegate_id, error: wireError(error) };
    await this.#job.events.emit("tool_result", body, "event", true);
  }
}

/** Whether it is a date that there is. */
function isMoment(value: unknown): boolean {
  return value instanceof Date && !Number.isNaN(value.getTime());
}
