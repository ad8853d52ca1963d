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

/**
 * What a runtime is made of: its agents, who may connect, and what agents may reach. Undefined options have their
 * defaults.
 */
export interface RuntimeOptions {
  /** The agents on offer; `runtime.agents.register` adds more. */
  readonly agents: readonly AnyAgent[];
  /** Maps a bearer token to a principal. `tokenTable` and `allowAnonymous` make one. */
  readonly auth: Authenticate;
  /** What agents call with `ctx.tools.call`, by name: functions, or results of `defineTool`. */
  readonly tools?: Readonly<Record<string, Tool>> | undefined;
  /** Model prices, by id: calls through `ctx.model` are charged accordingly. */
  readonly models?: Readonly<Record<string, PriceTable>> | undefined;
  /** Each issues one credential to every job. The name of each must stay the same. They need a durable store (R-9.8-1). */
  readonly provisioners?: Readonly<Record<string, Provisioner>> | undefined;
  /** Default: {@link memoryStore}. */
  readonly store?: Store | undefined;
  /** The operator's decisions; absent parts have safe defaults. */
  readonly policy?: Policy | undefined;
  /** How much of everything is allowed, and for how long. */
  readonly limits?: Limits | undefined;
  /** An absolute directory; relative paths and path patterns of leases are resolved against it. */
  readonly workspace?: string | undefined;
  /**
   * Whether a job ends the moment its lease expires. Default true; otherwise it ends with its next operation (R-9.5-4).
   */
  readonly endJobsAtExpiry?: boolean | undefined;
  /**
   * Whether a job ends with the first operation refused because a budget is exhausted. Default false: it continues
   * (R-9.6-7).
   */
  readonly endJobsAtExhaustion?: boolean | undefined;
  /**
   * Whether an unfinished job is cancelled once its session was not resumed in time and no other session of its principal follows
   * it. Default false: it continues (R-6.3-18).
   */
  readonly cancelOrphans?: boolean | undefined;
  /**
   * Whether everybody who may watch a job is told the message of what its agent or a tool threw, in place of a general one: it may
   * contain paths, queries and keys. Default false: only the log has it (R-7.3-8).
   */
  readonly showErrorDetails?: boolean | undefined;
  /**
   * Whether a `session.resume` that presents no bearer token is authenticated by its resume token alone. Default false. `auth` is
   * not called then, so a session can be resumed although its principal's tokens have expired (R-6.3-2).
   */
  readonly resumeByTokenAlone?: boolean | undefined;
  /** The runtime's name in the welcome. */
  readonly name?: string | undefined;
  /** The runtime's version in the welcome. */
  readonly version?: string | undefined;
  /** Where time comes from. Default: the system's. */
  readonly clock?: Clock | undefined;
  /** Default: pino at level `warn`, to standard error. */
  readonly logger?: Logger | undefined;
  /** Is told what happens, for traces and metrics; `otel()` of `@arcp/otel` is one. Default: nobody. */
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
  cancelOrphans: rule.flag,
  showErrorDetails: rule.flag,
  resumeByTokenAlone: rule.flag,
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

/** @throws LocalError `MISUSE` for an option that is unknown or of the wrong type, and without `agents` or `auth` */
export function checkRuntimeOptions(options: RuntimeOptions): void {
  checkOptions("createRuntime", options, RULES);
  checkParts("observer", options.observer ?? {}, OBSERVER);
}
