import {
  ArcpError,
  checkOptions,
  formatAgentReference,
  formatTimestamp,
  newMessageId,
  type OptionRules,
} from "@arcp/core";
import { clip } from "../authority/clip.ts";
import { Backlog } from "../jobs/backlog.ts";
import { wireError } from "../jobs/ending.ts";
import type { Job } from "../jobs/job.ts";
import type { AgentHost } from "./agent-host.ts";
import { admitChild, type Delegated, type Wanted } from "./child-admission.ts";
import { type ChildJob, childJob } from "./child-job.ts";
import type { Delegable, DelegateOptions } from "./delegate.ts";
import { eventBody } from "./event-body.ts";
import { namedOption } from "./named-option.ts";
import { plainJson } from "./plain-json.ts";
import { shown } from "./shown.ts";

/** The most characters of a delegation's id, which appears in the child's acceptance. */
const MAX_ID = 256;

/** Ids of tool calls, which a delegation must not use: a `tool_result` is matched by its `call_id` alone (R-8.2-1, R-10-3). */
const CALL_ID = /^call_[\d.]+$/;

const RULES: OptionRules<DelegateOptions> = {
  lease: namedOption,
  expiresAt: namedOption,
  maxRuntimeSec: namedOption,
  id: namedOption,
};

/** Lets one job start others, within its own lease (section 10). */
export class Delegation {
  readonly #job: Job;
  readonly #context: AgentHost;
  readonly #start: (delegated: Delegated) => void;
  readonly #used = new Set<string>();
  readonly #underWay = new Backlog("delegations are in flight");

  /** @param start runs the agent of a child */
  constructor(job: Job, context: AgentHost, start: (delegated: Delegated) => void) {
    this.#job = job;
    this.#context = context;
    this.#start = start;
  }

  /** As described in {@link Delegate}. @throws BackpressureError synchronously, if its event would be refused */
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
      const delegated = await admitChild(this.#context, this.#job, wanted, given);
      // A child that one of its own timers has ended was announced nevertheless.
      if (!this.#job.live) {
        throw new ArcpError("CANCELLED", "the delegated job was ended before it began");
      }
      this.#start(delegated);
      const { store, committer } = this.#context;
      return childJob(this.#job, delegated.child, wanted.delegate_id, {
        logs: store.logs,
        turn: committer.turn,
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
    checkOptions("delegate", options, RULES);
    const { lease, expiresAt, maxRuntimeSec, id = newMessageId("del_") } = options;
    if (id.length > MAX_ID) {
      throw new ArcpError("INVALID_REQUEST", `id: has more than ${MAX_ID} characters`);
    }
    if (expiresAt !== undefined && !isMoment(expiresAt)) {
      throw new ArcpError("INVALID_REQUEST", "expiresAt: is not a valid date");
    }
    const { attempt } = this.#job;
    const body = eventBody("delegate", {
      // Unique within the job: an earlier attempt may have used the same id.
      delegate_id: attempt === 1 ? id : `${id}.${attempt}`,
      agent: typeof agent === "string" ? agent : formatAgentReference(agent),
      input: shown(input),
      // Copied, because it is read more than once and the agent may change it in between.
      lease_request: lease && plainJson(lease, "lease"),
      ...(expiresAt && { lease_constraints: { expires_at: formatTimestamp(expiresAt.getTime()) } }),
      max_runtime_sec: maxRuntimeSec,
    });
    const { delegate_id = "", agent: text = "" } = body;
    if (CALL_ID.test(delegate_id)) {
      throw new ArcpError("INVALID_REQUEST", `${delegate_id} is the runtime's id of a tool call`);
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
    void this.#job.events.say("delegate", wanted);
    const body = { call_id: wanted.delegate_id, error: wireError(error) };
    await this.#job.events.say("tool_result", body);
  }
}

/** Whether the value is a valid date. */
function isMoment(value: unknown): boolean {
  return value instanceof Date && !Number.isNaN(value.getTime());
}
