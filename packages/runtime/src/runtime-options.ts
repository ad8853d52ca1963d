import { type Clock, checkOptions, isObject, type OptionRules, rule } from "@arcp/core";
import type { Logger } from "pino";
import type { AnyAgent } from "./agents/agent.ts";
import type { Tool } from "./agents/tool.ts";
import type { Authenticate } from "./auth.ts";
import type { PriceTable } from "./authority/price.ts";
import type { Provisioner } from "./authority/provisioner.ts";
import type { Limits } from "./limits.ts";
import type { Observer } from "./observer.ts";
import { checkParts } from "./parts.ts";
import type { Policy } from "./policy.ts";
import type { Store } from "./store/index.ts";

/** What a runtime is made of: its agents, who is let in, and what they may reach. What is undefined has its default. */
export interface RuntimeOptions {
  /** The agents on offer; `runtime.agents.register` adds more. */
  readonly agents: readonly AnyAgent[];
  /** Whose a bearer token is. `tokenTable` and `allowAnonymous` make one. */
  readonly auth: Authenticate;
  /** What agents call by `ctx.tools.call`, by name: functions, or what `defineTool` makes. */
  readonly tools?: Readonly<Record<string, Tool>> | undefined;
  /** What models cost, by id: what agents call by `ctx.model` is charged by it. */
  readonly models?: Readonly<Record<string, PriceTable>> | undefined;
  /** Issue a credential each to every job, by a name that stays the same. They need a durable store (R-9.8-1). */
  readonly provisioners?: Readonly<Record<string, Provisioner>> | undefined;
  /** Default: {@link memoryStore}. */
  readonly store?: Store | undefined;
  /** What the operator decides; what is absent has its safe default. */
  readonly policy?: Policy | undefined;
  /** How much of everything there may be, and for how long. */
  readonly limits?: Limits | undefined;
  /** The absolute directory that relative paths and path patterns of leases belong to. */
  readonly workspace?: string | undefined;
  /** Whether a job ends at the moment at which its lease expires. Default true; else with its next operation (R-9.5-4). */
  readonly endJobsAtExpiry?: boolean | undefined;
  /** Whether a job ends with the first operation that a used-up budget refuses. Default false: it goes on (R-9.6-7). */
  readonly endJobsAtExhaustion?: boolean | undefined;
  /** How the runtime calls itself in a welcome. */
  readonly name?: string | undefined;
  /** The version that it names in a welcome. */
  readonly version?: string | undefined;
  /** Where time comes from. Default: the system's. */
  readonly clock?: Clock | undefined;
  /** Default: pino at level `warn` to the standard error. */
  readonly logger?: Logger | undefined;
  /** Is told what happens, for traces and metrics: `otel()` of `@arcp/otel` is one. Default: nobody. */
  readonly observer?: Observer | undefined;
}

const RULES: OptionRules<RuntimeOptions> = {
  agents: rule.required(rule.array),
  auth: rule.required(
    rule.some(
      "a function: tokenTable({ token: principal }), or allowAnonymous() to let everybody in",
      rule.method.fits,
    ),
  ),
  tools: rule.table,
  models: rule.table,
  provisioners: rule.table,
  store: rule.some(
    "a store, such as sqliteStore(path)",
    (value) => isObject(value) && value["logs"] !== undefined,
  ),
  policy: rule.some("an object with parts of a policy", isObject),
  limits: rule.table,
  workspace: rule.text,
  endJobsAtExpiry: rule.flag,
  endJobsAtExhaustion: rule.flag,
  name: rule.text,
  version: rule.text,
  clock: rule.clock,
  logger: rule.having<Logger>("a pino logger", "debug", "info", "warn", "error"),
  observer: rule.some("an observer, such as otel()", isObject),
};

const OBSERVER: OptionRules<Observer> = {
  start: rule.method,
  job: rule.method,
  close: rule.method,
};

/** @throws LocalError `MISUSE` for an option that there is not, or of another kind, and without `agents` or `auth` */
export function checkRuntimeOptions(options: RuntimeOptions): void {
  checkOptions("createRuntime", options, RULES);
  checkParts("observer", options.observer ?? {}, OBSERVER);
}
