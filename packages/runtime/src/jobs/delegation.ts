import {
  type AgentReference,
  ArcpError,
  type EventBody,
  formatAgentReference,
  formatTimestamp,
  newMessageId,
  parseAgentReference,
} from "@arcp/core";
import { clip } from "../authority/clip.ts";
import type { CompiledLease } from "../authority/lease.ts";
import { excess } from "../authority/subset.ts";
import {
  type AdmissionContext,
  admit,
  checkOpen,
  readExpiry,
  readLease,
  resolveAgent,
} from "./admission.ts";
import { checkedInput } from "./agent-input.ts";
import type { AnyAgent } from "./agents.ts";
import { type ChildJob, childJob } from "./child-job.ts";
import type { Delegable, DelegateOptions } from "./delegate.ts";
import { wireError } from "./ending.ts";
import { eventBody } from "./event-body.ts";
import type { Job } from "./job.ts";
import { shown } from "./shown.ts";

type Request = EventBody<"delegate"> & { readonly delegate_id: string; readonly agent: string };

/** Lets one job start others, within its own lease (section 10). */
export class Delegation {
  readonly #job: Job;
  readonly #context: AdmissionContext;
  readonly #start: (child: Job, agent: AnyAgent, input: unknown) => void;
  readonly #used = new Set<string>();

  /** @param start runs the agent of a child */
  constructor(
    job: Job,
    context: AdmissionContext,
    start: (child: Job, agent: AnyAgent, input: unknown) => void,
  ) {
    this.#job = job;
    this.#context = context;
    this.#start = start;
  }

  /** As {@link Delegate} has it. */
  async delegate<Input, Output>(
    agent: string | Delegable<Input, Output>,
    input?: Input,
    options: DelegateOptions = {},
  ): Promise<ChildJob<Output>> {
    const given = plain(input);
    const request = this.#read(agent, given, options);
    try {
      return await this.#accept<Output>(request, given);
    } catch (thrown) {
      const error = ArcpError.from(thrown);
      if (error !== thrown) {
        this.#context.logger.error({ job: this.#job.id, err: thrown }, "a delegation failed");
      }
      await this.#refuse(request, error);
      throw error;
    }
  }

  #read(
    agent: string | Delegable<never, unknown>,
    input: unknown,
    options: DelegateOptions,
  ): Request {
    const { lease, expiresAt, maxRuntimeSec, id = newMessageId("del_") } = options;
    if (expiresAt !== undefined && Number.isNaN(expiresAt.getTime())) {
      throw new ArcpError("INVALID_REQUEST", "expiresAt: is no valid date");
    }
    const { attempt } = this.#job;
    const body = eventBody("delegate", {
      // Unique within the job, whose earlier attempts may have used the same one.
      delegate_id: attempt === 1 ? id : `${id}.${attempt}`,
      agent: typeof agent === "string" ? agent : formatAgentReference(agent),
      input: shown(input),
      lease_request: lease,
      ...(expiresAt && { lease_constraints: { expires_at: formatTimestamp(expiresAt.getTime()) } }),
      max_runtime_sec: maxRuntimeSec,
    });
    const { delegate_id = "", agent: text = "" } = body;
    if (this.#used.has(delegate_id)) {
      throw new ArcpError(
        "INVALID_REQUEST",
        `${clip(delegate_id)} is the id of another delegation`,
      );
    }
    this.#used.add(delegate_id);
    return { ...body, delegate_id, agent: text };
  }

  async #accept<Output>(request: Request, input: unknown): Promise<ChildJob<Output>> {
    const job = this.#job;
    const context = this.#context;
    const agent = this.#agentOf(request);
    const taken = await checkedInput(agent, input, "input");
    // Between the two a cancel, an expiry or an exhaustion may have passed; from here to the child's place in the budget
    // nothing can come in between.
    this.#check(formatAgentReference(agent));
    checkOpen(context);
    const depth = job.lineage.length;
    if (depth >= context.limits.delegationDepth) {
      throw new ArcpError(
        "PERMISSION_DENIED",
        `${depth} jobs stand above this one; no more may be delegated`,
        { details: { reason: "delegation_depth" } },
      );
    }
    const lease = this.#leaseOf(agent, request);
    const { job: child } = await admit(context, {
      principal: job.principal,
      session: job.session,
      features: job.identity.features,
      request: undefined,
      agent,
      input,
      lease,
      expiresAt: this.#expiryOf(request),
      maxRuntimeSec: request.max_runtime_sec,
      traceId: job.traceId,
      parent: { job, delegateId: request.delegate_id },
    });
    const body = { ...request, lease_request: lease.json, child_job_id: child.id };
    // The child starts behind the record that tells of it (J2).
    await job.announce(child, body);
    if (!child.live) {
      throw new ArcpError("CANCELLED", "the delegated job was ended before it began");
    }
    this.#start(child, agent, taken);
    return childJob(job, child, request.delegate_id, context.store.logs);
  }

  /** What is not covered is refused before anybody learns whether there is such an agent. */
  #agentOf({ agent: text }: Request): AnyAgent {
    const reference = parseAgentReference(text);
    if (reference === undefined) {
      throw new ArcpError("INVALID_REQUEST", "agent: must be name or name@version");
    }
    const found = this.#find(reference);
    this.#check(found instanceof ArcpError ? text : formatAgentReference(found));
    if (found instanceof ArcpError) throw found;
    return found;
  }

  #find(reference: AgentReference): AnyAgent | ArcpError {
    try {
      return resolveAgent(this.#context, this.#job.principal, reference);
    } catch (error) {
      return ArcpError.from(error);
    }
  }

  #check(agent: string): void {
    const refusal = this.#job.guard.check("agent.delegate", agent);
    if (refusal !== undefined) throw refusal;
  }

  #leaseOf(agent: AnyAgent, { lease_request: requested = {} }: Request): CompiledLease {
    const lease = readLease(this.#context, agent, requested, "lease");
    const problem = excess(this.#job.authority, lease);
    if (problem === undefined) return lease;
    throw new ArcpError("LEASE_SUBSET_VIOLATION", `lease: ${problem}`);
  }

  /** @returns milliseconds since 1970 */
  #expiryOf({ lease_constraints }: Request): number | undefined {
    const { expiresAt: outer } = this.#job;
    const text = lease_constraints?.expires_at;
    if (text === undefined) return outer;
    const expiresAt = readExpiry(this.#context.clock, text, "expiresAt");
    if (outer === undefined || expiresAt <= outer) return expiresAt;
    throw new ArcpError(
      "LEASE_SUBSET_VIOLATION",
      `expiresAt: the lease of this job ends at ${formatTimestamp(outer)}`,
    );
  }

  async #refuse(request: Request, error: ArcpError): Promise<void> {
    void this.#job.emit("delegate", request, "event", true);
    const body = { call_id: request.delegate_id, error: wireError(error) };
    await this.#job.emit("tool_result", body, "event", true);
  }
}

/**
 * A value as JSON carries it: what the child gets is the child's alone.
 * @throws ArcpError `INVALID_REQUEST` for what is no JSON
 */
function plain(input: unknown): unknown {
  try {
    return JSON.parse(JSON.stringify(input ?? null));
  } catch {
    throw new ArcpError("INVALID_REQUEST", "input: is no JSON value");
  }
}
