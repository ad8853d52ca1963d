import {
  type AgentEntry,
  type AgentReference,
  ArcpError,
  checkValues,
  formatAgentReference,
  LocalError,
  rule,
} from "@arcp/core";
import { type AnyAgent, checkAgent } from "./agent.ts";

/** The agents with one name. There may be thousands of versions, so adding one must not look at the others. */
interface Named {
  unversioned?: AnyAgent | undefined;
  readonly versions: Map<string, AnyAgent>;
  default?: string | undefined;
}

/** The most characters of JSON in the inventory, because a welcome lists all of it (R-4.1-7). */
const MAX_INVENTORY = 1000 * 1024;

/** The agents that a runtime hosts, by name and version (section 7.5). */
export class AgentRegistry {
  readonly #agents = new Map<string, Named>();
  /** The length of the inventory as JSON. */
  #characters = 0;

  /** @throws LocalError `MISUSE` for whatever `register` refuses, and for two agents with the same name and version */
  constructor(agents: readonly AnyAgent[] = []) {
    for (const agent of agents) {
      const namesake = agent && this.find(agent);
      // Otherwise one of the two would silently replace the other.
      if (namesake !== undefined && namesake !== agent) {
        const reference = formatAgentReference(agent);
        const problem = `there are two agents ${reference}: give one of them another name or version`;
        throw new LocalError("MISUSE", problem);
      }
      this.register(agent);
    }
  }

  /**
   * Adds an agent, or replaces the one with the same name and version; running jobs keep theirs (R-7.5-5).
   * @throws LocalError `MISUSE` for an invalid agent, and if a welcome could no longer list all names and versions in a mebibyte
   */
  register(agent: AnyAgent): void {
    // Checked less strictly than in `defineAgent`: an object from elsewhere may have additional fields.
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
   * Removes an agent; without a version, the unversioned one. Running jobs keep theirs. If it was the default of its name, that is
   * unset.
   * @throws LocalError `MISUSE` for a string such as `name@version`: `parseAgentReference` of `@arcp/core` parses it
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
   * Sets which version a bare name means.
   * @throws LocalError `MISUSE` if that version is not registered
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

  /** The exact agent that a resolved reference names. */
  find({ name, version }: AgentReference): AnyAgent | undefined {
    const known = this.#agents.get(name);
    return version === undefined ? known?.unversioned : known?.versions.get(version);
  }

  /** Resolves a reference (R-7.5-2 to R-7.5-4). */
  resolve({ name, version }: AgentReference): AnyAgent | ArcpError {
    const known = this.#agents.get(name);
    if (known === undefined) return noAgent(name);
    const { versions, unversioned, default: preferred } = known;
    if (version !== undefined) {
      return (
        versions.get(version) ??
        new ArcpError("AGENT_VERSION_NOT_AVAILABLE", `${name} has no version ${version}`)
      );
    }
    const [first] = versions.values();
    const agent = (preferred && versions.get(preferred)) || (unversioned ?? first);
    return agent ?? noAgent(name);
  }

  /** The references there are instead of one that does not resolve: to the same agent, or else to others. */
  *alternatives({ name }: AgentReference, mayUse: (name: string) => boolean): Generator<string> {
    const known = mayUse(name) ? this.#agents.get(name) : undefined;
    if (known === undefined) {
      for (const other of this.#agents.keys()) if (mayUse(other)) yield other;
      return;
    }
    if (known.unversioned !== undefined) yield name;
    for (const version of known.versions.keys()) yield `${name}@${version}`;
  }

  /** What a welcome lists, sorted by name (R-6.2-7). */
  inventory(mayUse: (name: string) => boolean = () => true): AgentEntry[] {
    return [...this.#agents]
      .filter(([name]) => mayUse(name))
      .sort(([a], [b]) => (a < b ? -1 : 1))
      .map(([name, named]) => entryOf(name, named));
  }

  /** @param added by how many characters the inventory grows; negative if it shrinks */
  #list(name: string, added: number): void {
    if (this.#characters + added > MAX_INVENTORY) {
      throw new LocalError("MISUSE", `${name}: more agents than a 1 MiB welcome can list`);
    }
    this.#characters += added;
  }
}

/** The same error whether the agent does not exist or the principal must not know of it. */
export function noAgent(name: string): ArcpError {
  return new ArcpError("AGENT_NOT_AVAILABLE", `there is no agent ${name} here`);
}

function entryOf(name: string, { versions, default: preferred }: Named): AgentEntry {
  return { name, versions: [...versions.keys()], default: preferred };
}

// Lengths in the inventory's JSON. Names and versions need no escaping.

const entryLength = (name: string): number => `{"name":"${name}","versions":[]},`.length;

const versionLength = (version: string): number => `"${version}",`.length;

const defaultLength = (version: string | undefined): number =>
  version === undefined ? 0 : `,"default":"${version}"`.length;
