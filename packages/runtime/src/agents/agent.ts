import {
  checkOptions,
  type EventSchemas,
  formatAgentReference,
  isPlain,
  isVendorName,
  LocalError,
  type OptionRules,
  parseAgentReference,
  rule,
} from "@arcp/core";
import type { StandardSchemaV1 } from "@standard-schema/spec";
import { checkWorkspace } from "../authority/path.ts";
import type { AgentContext } from "./context.ts";

/** The event kinds of an agent that does not declare any: every kind, with any body. */
export type AnyEvents = Readonly<Record<string, StandardSchemaV1<Record<string, unknown>>>>;

/** The bodies that an agent may emit, by kind. */
export type EmittedBy<Events extends EventSchemas> = {
  readonly [Kind in keyof Events]: StandardSchemaV1.InferInput<Events[Kind]>;
};

/**
 * An agent that a runtime can host. `Input` is what `run` gets and `Output` what it returns; where schemas change values,
 * `Sent` is what a client sends and `Result` what it gets.
 */
export interface Agent<
  Input = unknown,
  Output = unknown,
  Sent = Input,
  Result = Output,
  Events extends EventSchemas = AnyEvents,
  Name extends string = string,
> {
  /** `[a-z0-9][a-z0-9._-]*`, at most 128 characters (section 7.5). */
  readonly name: Name;
  /** `[A-Za-z0-9.+_-]+`, at most 64 characters. Without one the agent is unversioned. */
  readonly version?: string | undefined;
  /**
   * Any Standard Schema (zod, valibot, arktype, …). A submit with input that does not match is refused with
   * `INVALID_REQUEST`.
   */
  readonly input?: StandardSchemaV1<Sent, Input> | undefined;
  /** What `run` must return; any other value ends the job with `INTERNAL_ERROR`. */
  readonly output?: StandardSchemaV1<Output, Result> | undefined;
  /**
   * Its custom kinds of events, `x-vendor.<vendor>.<name>`, with the schemas of their bodies, which must not be
   * asynchronous. `ctx.emit` then refuses every other kind, and any body that does not match. Default: any kind, with
   * any body.
   */
  readonly events?: Events | undefined;
  /**
   * An absolute directory; relative paths and path patterns are resolved against it. Default: the runtime's, if any.
   */
  readonly workspace?: string | undefined;
  /**
   * How often it may be started for one job. Above 1, a job interrupted by the end of the process is restarted on a
   * durable store, with `ctx.attempt` incremented and the last `ctx.checkpoint`, unless it had started to stream its
   * result or its cancel was acknowledged. Default 1: such a job ends with `INTERNAL_ERROR`.
   */
  readonly attempts?: number | undefined;
  /** Seconds without an event after which its job is aborted and ends with `HEARTBEAT_LOST`. Default: no limit. */
  readonly stallSec?: number | undefined;
  /**
   * Whether everything it does through `ctx.fs` and `ctx.fetch` appears on the stream, with sizes but no content.
   * Default false: only refusals do.
   */
  readonly showOperations?: boolean | undefined;
  /** Does the work. What it returns is the job's result; what it throws ends the job with an error. */
  readonly run: (ctx: AgentContext<EmittedBy<Events>>, input: Input) => Output | Promise<Output>;
}

/** An agent of which only the runtime's side matters: it validates before it calls. */
// biome-ignore lint/suspicious/noExplicitAny: an agent's types are proven by its own schemas, at the call
export type AnyAgent = Agent<any, any, any, any, any>;

const RULES: OptionRules<AnyAgent> = {
  name: rule.text,
  version: rule.some("a string", (value) => typeof value === "string"),
  input: rule.schema,
  output: rule.schema,
  events: rule.some(
    "an object, a Standard Schema by each kind",
    (value) => isPlain(value) && Object.values(value).every(rule.schema.fits),
  ),
  workspace: rule.text,
  attempts: rule.some(
    "a whole number from 1, or Infinity",
    (value) => value === Number.POSITIVE_INFINITY || rule.wholeAboveZero.fits(value),
  ),
  stallSec: rule.aboveZero,
  showOperations: rule.flag,
  run: rule.required(rule.some("a function that does its work", rule.method.fits)),
};

/**
 * @throws LocalError `MISUSE` if the name, the version or a kind of event does not match its grammar, without `run`, and for an
 *   unknown option, an invalid schema, a workspace that is not absolute, or an invalid number
 */
export function defineAgent<
  Input = unknown,
  Output = unknown,
  Sent = Input,
  Result = Output,
  Events extends EventSchemas = AnyEvents,
  Name extends string = string,
>(
  definition: Agent<Input, Output, Sent, Result, Events, Name>,
): Agent<Input, Output, Sent, Result, Events, Name> {
  checkAgent(definition, checkOptions);
  // Only plain objects are copied: a copy of a class instance would lack its methods.
  return isPlain(definition) ? Object.freeze({ ...definition }) : definition;
}

/** @throws LocalError `MISUSE` as in {@link defineAgent} */
export function checkAgent(agent: AnyAgent, check: typeof checkOptions): void {
  check(`the agent ${agent?.name}`, agent, RULES);
  const reference = formatAgentReference(agent);
  const parsed = parseAgentReference(reference);
  if (parsed === undefined || parsed.name !== agent.name) {
    throw new LocalError(
      "MISUSE",
      `${JSON.stringify(reference)} is not an agent reference; a name looks like "doc-indexer", a version like "2.1.0"`,
    );
  }
  const { name, events = {}, workspace } = agent;
  checkWorkspace(workspace);
  const foreign = Object.keys(events).find((kind) => !isVendorName(kind));
  if (foreign !== undefined) {
    throw new LocalError(
      "MISUSE",
      `${JSON.stringify(foreign)} is not a custom kind of ${name}; one looks like "x-vendor.acme.confidence"`,
    );
  }
}
