import {
  type AgentEntry,
  type AgentReference,
  ArcpError,
  checkOptions,
  checkValues,
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

/** The kinds of events of an agent that does not say which it emits: any, with any body. */
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
  /** Any Standard Schema (zod, valibot, arktype, …). A submit whose input it refuses is `INVALID_REQUEST`. */
  readonly input?: StandardSchemaV1<Sent, Input> | undefined;
  /** What `run` must return; another value ends the job with `INTERNAL_ERROR`. */
  readonly output?: StandardSchemaV1<Output, Result> | undefined;
  /**
   * Its own kinds of events, `x-vendor.<vendor>.<name>`, with the schemas of their bodies, which must not be asynchronous.
   * `ctx.emit` then refuses every other kind, and a body that does not fit. Default: any kind, with any body.
   */
  readonly events?: Events | undefined;
  /** The absolute directory that relative paths and path patterns belong to. Default: that of the runtime, if any. */
  readonly workspace?: string | undefined;
  /**
   * How often it may be started for one job. With more than 1 a job that the end of the process interrupted is run again
   * on a durable store, with `ctx.attempt` raised and the last `ctx.checkpoint`; unless it had begun to stream its result
   * or its cancel was acknowledged. Default 1: such a job ends with `INTERNAL_ERROR`.
   */
  readonly attempts?: number | undefined;
  /** Seconds without an event after which its job is aborted and ends with `HEARTBEAT_LOST`. Default: no limit. */
  readonly stallSec?: number | undefined;
  /**
   * Whether what it does by `ctx.fs` and `ctx.fetch` shows on the stream, with sizes and no content. Default false: what is
   * refused alone.
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
  version: rule.some("a text", (value) => typeof value === "string"),
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
 * @throws LocalError `MISUSE` when the name, the version or a kind of event does not match its grammar, without `run`, for an option
 * that there is not, a schema that is none, a workspace that is not absolute, and for numbers that make no sense
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
  // A copy of an instance of a class would lack its methods.
  return isPlain(definition) ? Object.freeze({ ...definition }) : definition;
}

function checkAgent(agent: AnyAgent, check: typeof checkOptions): void {
  check(`the agent ${agent?.name}`, agent, RULES);
  const reference = formatAgentReference(agent);
  const parsed = parseAgentReference(reference);
  if (parsed === undefined || parsed.name !== agent.name) {
    throw new LocalError(
      "MISUSE",
      `${JSON.stringify(reference)} is no agent reference; a name is like "doc-indexer", a version like "2.1.0"`,
    );
  }
  const { name, events = {}, workspace } = agent;
  checkWorkspace(workspace);
  const foreign = Object.keys(events).find((kind) => !isVendorName(kind));
  if (foreign !== undefined) {
    throw new LocalError(
      "MISUSE",
      `${JSON.stringify(foreign)} is no kind of ${name}'s own; one is like "x-vendor.acme.confidence"`,
    );
  }
}

/** The agents of one name. There may be thousands: one more is put beside the others, and none of them is looked at. */
interface Named {
  unversioned?: AnyAgent | undefined;
  readonly versions: Map<string, AnyAgent>;
  default?: string | undefined;
}

/** Characters of JSON that the inventory may have: a welcome lists all of it (R-4.1-7). */
const MAX_INVENTORY = 1000 * 1024;

/** The agents that a runtime hosts, by name and version (section 7.5). */
export class AgentRegistry {
  readonly #agents = new Map<string, Named>();
  /** Of the inventory, as JSON. */
  #characters = 0;

  /** @throws LocalError `MISUSE` for what `register` refuses, and for two agents of one name and version */
  constructor(agents: readonly AnyAgent[] = []) {
    for (const agent of agents) {
      const namesake = agent && this.find(agent);
      // One of the two would be passed over in silence.
      if (namesake !== undefined && namesake !== agent) {
        const reference = formatAgentReference(agent);
        const problem = `there are two agents ${reference}: give one of them another name or version`;
        throw new LocalError("MISUSE", problem);
      }
      this.register(agent);
    }
  }

  /**
   * Adds an agent, or replaces the one of the same name and version; running jobs keep theirs (R-7.5-5).
   * @throws LocalError `MISUSE` for what is none, and for one more than a welcome could list: a mebibyte of names and versions
   */
  register(agent: AnyAgent): void {
    // What `defineAgent` did not make may have more than an agent has to.
    checkAgent(agent, checkValues);
    const { name, version } = agent;
    const known = this.#agents.get(name);
    const named: Named = known ?? { versions: new Map() };
    const isNew = version !== undefined && !named.versions.has(version);
    this.#list(name, (known ? 0 : entryLength(name)) + (isNew ? versionLength(version) : 0));
    if (version === undefined) named.unversioned = agent;
    else named.versions.set(version, agent);
    this.#agents.set(name, named);
  }

  /**
   * Takes an agent off the list, and without a version the one that has none; running jobs keep theirs. A default that named it
   * is gone with it.
   * @throws LocalError `MISUSE` for a text, such as `name@version`: `parseAgentReference` of `@arcp/core` reads one
   */
  remove(reference: AgentReference): void {
    checkValues("agents.remove", reference, { name: rule.required(rule.text) });
    const { name, version } = reference;
    const named = this.#agents.get(name);
    if (named === undefined) return;
    if (version === undefined) named.unversioned = undefined;
    else if (named.versions.delete(version)) this.#list(name, -versionLength(version));
    if (version !== undefined && named.default === version) this.#prefer(name, named, undefined);
    if (named.unversioned !== undefined || named.versions.size > 0) return;
    this.#agents.delete(name);
    this.#list(name, -entryLength(name));
  }

  /**
   * Sets what a bare name means.
   * @throws LocalError `MISUSE` when no such version is registered
   */
  setDefault(name: string, version: string): void {
    const known = this.#agents.get(name);
    if (!known?.versions.has(version)) {
      throw new LocalError("MISUSE", `no agent ${name}@${version} is registered`);
    }
    this.#prefer(name, known, version);
  }

  #prefer(name: string, named: Named, version: string | undefined): void {
    this.#list(name, defaultLength(version) - defaultLength(named.default));
    named.default = version;
  }

  /** The very agent that a resolved reference names. */
  find({ name, version }: AgentReference): AnyAgent | undefined {
    const known = this.#agents.get(name);
    return version === undefined ? known?.unversioned : known?.versions.get(version);
  }

  /** Resolves a reference (R-7.5-2 to R-7.5-4). */
  resolve({ name, version }: AgentReference): AnyAgent | ArcpError {
    const known = this.#agents.get(name);
    if (known === undefined) {
      return new ArcpError("AGENT_NOT_AVAILABLE", `there is no agent ${name} here`);
    }
    const { versions, unversioned, default: preferred } = known;
    if (version !== undefined) {
      return (
        versions.get(version) ??
        new ArcpError("AGENT_VERSION_NOT_AVAILABLE", `${name} has no version ${version}`)
      );
    }
    const [first] = versions.values();
    const agent = (preferred && versions.get(preferred)) || (unversioned ?? first);
    return agent ?? new ArcpError("AGENT_NOT_AVAILABLE", `there is no agent ${name} here`);
  }

  /** What a welcome lists, sorted by name (R-6.2-7). */
  inventory(mayUse: (name: string) => boolean = () => true): AgentEntry[] {
    return [...this.#agents]
      .filter(([name]) => mayUse(name))
      .sort(([a], [b]) => (a < b ? -1 : 1))
      .map(([name, named]) => entryOf(name, named));
  }

  /** @param added characters of the inventory, which is longer or shorter by them */
  #list(name: string, added: number): void {
    if (this.#characters + added > MAX_INVENTORY) {
      throw new LocalError("MISUSE", `${name}: more agents than a welcome of 1 MiB could list`);
    }
    this.#characters += added;
  }
}

function entryOf(name: string, { versions, default: preferred }: Named): AgentEntry {
  return { name, versions: [...versions.keys()], default: preferred };
}

// Characters of an inventory, as JSON. Names and versions stand in it as they are: neither has anything that JSON would escape.

const entryLength = (name: string): number => `{"name":"${name}","versions":[]},`.length;

const versionLength = (version: string): number => `"${version}",`.length;

const defaultLength = (version: string | undefined): number =>
  version === undefined ? 0 : `,"default":"${version}"`.length;
