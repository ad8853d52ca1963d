import {
  ArcpError,
  type Capability,
  type ErrorCode,
  type Lease,
  type LogLevel,
  sleep,
  systemClock,
} from "@arcp/core";
import {
  type AgentContext,
  type AnyAgent,
  defineAgent,
  type SpendReservation,
} from "@arcp/runtime";
import type { Gates } from "./gates.ts";
import { type PlainStep, type Script, type Step, script } from "./step.ts";
import type { TestUpstream } from "./test-upstream.ts";

/** The outcome of a named step. */
type Outcome = { readonly value: unknown } | { readonly refused: object };

/** Where the credentials of jobs come from. */
export interface TestCredentials {
  readonly upstream: TestUpstream;
  /** Has the runtime replace the credentials of a job. */
  readonly rotate: (job: string) => Promise<void>;
}

/** An agent that follows its input step by step, and returns the outcomes of its named steps. */
export function scriptAgent(gates: Gates, credentials?: TestCredentials): AnyAgent {
  return defineAgent({
    name: "conformance.script",
    input: script,
    run: (ctx: AgentContext, input: Script) => new Performance(ctx, gates, credentials).play(input),
  });
}

/** One run of a script. */
class Performance {
  readonly #ctx: AgentContext;
  readonly #gates: Gates;
  readonly #credentials: TestCredentials | undefined;
  readonly #outcomes: Record<string, Outcome> = {};
  readonly #reservations = new Map<string, SpendReservation>();
  #returned: { readonly value: unknown } | undefined;

  constructor(ctx: AgentContext, gates: Gates, credentials: TestCredentials | undefined) {
    this.#ctx = ctx;
    this.#gates = gates;
    this.#credentials = credentials;
  }

  async play({ steps, cleanup = [] }: Script): Promise<unknown> {
    try {
      await this.#perform(steps);
    } catch (error) {
      if (this.#ctx.signal.aborted) await this.#perform(cleanup);
      throw error;
    }
    return this.#returned === undefined ? this.#outcomes : this.#returned.value;
  }

  async #perform(steps: readonly Step[]): Promise<void> {
    for (const step of steps) {
      if (step.do === "repeat") {
        for (let i = 0; i < step.times; i++) await this.#perform(step.steps);
      } else if (step.as === undefined) {
        await this.#do(step);
      } else {
        this.#outcomes[step.as] = await this.#outcome(step);
      }
    }
  }

  async #outcome(step: PlainStep): Promise<Outcome> {
    try {
      return { value: (await this.#do(step)) ?? null };
    } catch (error) {
      const { code, message, retryable, details } = ArcpError.from(error);
      return {
        refused: { code, message, retryable, ...(details === undefined ? {} : { details }) },
      };
    }
  }

  // A script may contain deliberate faults: refusing them is up to the runtime, so nothing is checked here.
  #do(step: PlainStep): unknown {
    const ctx = this.#ctx;
    switch (step.do) {
      case "log":
        return ctx.log[step.level as LogLevel](step.message, step.attributes);
      case "thought":
        return ctx.thought(step.text);
      case "status":
        return ctx.status(step.phase, step.message);
      case "progress": {
        const { do: _do, as: _as, ...progress } = step;
        return ctx.progress(progress as Parameters<AgentContext["progress"]>[0]);
      }
      case "metric": {
        const { do: _do, as: _as, value, ...rest } = step;
        const number = value === "abc" ? (value as unknown as number) : Number(value);
        return ctx.metric({ ...rest, value: number } as Parameters<AgentContext["metric"]>[0]);
      }
      case "artifact": {
        const { do: _do, as: _as, ...artifact } = step;
        return ctx.artifact(artifact as Parameters<AgentContext["artifact"]>[0]);
      }
      case "emit":
        return ctx.emit(step.kind, step.body as Record<string, unknown>);
      case "stream":
        return ctx.result.write(step.text);
      case "stream-bytes":
        return ctx.result.write(new Uint8Array(step.bytes).fill(0xa5));
      case "tool":
        return ctx.tools.call(step.name, step.args);
      case "authorize":
        return ctx.authorize(step.capability as Capability, step.target);
      case "model":
        return this.#model(step);
      case "delegate":
        return this.#delegate(step);
      case "reserve": {
        this.#reservations.set(step.name, ctx.spend.reserve(amounts(step.amount)));
        return undefined;
      }
      case "settle":
        return this.#reservations.get(step.name)?.settle(amounts(step.amount));
      case "release":
        return this.#reservations.get(step.name)?.release();
      case "budget":
        return { remaining: ctx.budget.remaining(), available: ctx.budget.available() };
      case "present": {
        const [own] = ctx.credentials.values();
        return this.#upstream.accepts(step.value ?? own?.value ?? "");
      }
      case "rotate":
        return this.#credentials?.rotate(ctx.job.id);
      case "account":
        return this.#upstream.account(step.label);
      case "open":
        return this.#gates.open(step.gate);
      case "await":
        return this.#wait(this.#gates.opened(step.gate), step.stubborn);
      case "pause":
        return this.#pause(step);
      case "raise": {
        const { code, message, retryable, details } = step;
        throw new ArcpError(code as ErrorCode, message, {
          ...(retryable === undefined ? {} : { retryable }),
          ...(details === undefined ? {} : { details }),
        });
      }
      case "crash":
        throw new Error(step.message);
      case "return":
        this.#returned = { value: step.value };
        return undefined;
    }
  }

  get #upstream(): TestUpstream {
    if (this.#credentials !== undefined) return this.#credentials.upstream;
    throw new ArcpError("INVALID_REQUEST", "this runtime has no upstream of credentials");
  }

  async #model({ id, exhausted }: Extract<PlainStep, { do: "model" }>): Promise<void> {
    const upstream = { status: 429, error: { type: "budget_exceeded", message: "no money left" } };
    await this.#ctx.model(id).call(
      () => (exhausted ? Promise.reject(upstream) : "answer"),
      () => ({ words: 0 }),
    );
  }

  async #delegate(step: Extract<PlainStep, { do: "delegate" }>): Promise<object> {
    const { agent, input, lease, expires_at, max_runtime_sec, id } = step;
    const child = await this.#ctx.delegate(agent, input ?? null, {
      ...(lease === undefined ? {} : { lease: lease as Lease }),
      ...(expires_at === undefined ? {} : { expiresAt: new Date(expires_at) }),
      ...(max_runtime_sec === undefined ? {} : { maxRuntimeSec: max_runtime_sec }),
      ...(id === undefined ? {} : { id }),
    });
    if (!step.outcome) return { job_id: child.id };
    return { job_id: child.id, result: await child.result() };
  }

  async #pause({ ms, stubborn, block }: Extract<PlainStep, { do: "pause" }>): Promise<void> {
    if (!block) return this.#wait(sleep(systemClock, ms), stubborn);
    Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, ms);
  }

  #wait(what: Promise<void>, stubborn = false): Promise<void> {
    const { signal } = this.#ctx;
    if (stubborn) return what;
    if (signal.aborted) return Promise.reject(signal.reason);
    return new Promise((resolve, reject) => {
      signal.addEventListener("abort", () => reject(signal.reason), { once: true });
      what.then(resolve, reject);
    });
  }
}

function amounts(text: string): Record<string, string> {
  const [currency = "", amount = ""] = text.split(":");
  return { [currency]: amount };
}
