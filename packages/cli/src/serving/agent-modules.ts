import { stat } from "node:fs/promises";
import { extname, relative, resolve } from "node:path";
import { formatAgentReference, LocalError } from "@arcp/core";
import type { AnyAgent } from "@arcp/runtime";
import { usage } from "../failure.ts";
import { exportedAgents } from "./exported-agents.ts";
import { moduleFault } from "./module-fault.ts";
import { type FreshImports, importModule, type Namespace } from "./module-import.ts";

/** An agent, and the module that it is from, as it was given. */
export interface LoadedAgent {
  readonly agent: AnyAgent;
  readonly reference: string;
  readonly module: string;
}

/** The modules that were named, and the agents in them. */
export class AgentModules {
  readonly #cwd: string;
  readonly #fresh: FreshImports | undefined;
  /** What each module was good for last, by its path. */
  readonly #loaded = new Map<string, readonly AnyAgent[]>();
  #agents: readonly LoadedAgent[] = [];

  private constructor(cwd: string, fresh: FreshImports | undefined) {
    this.#cwd = cwd;
    this.#fresh = fresh;
  }

  /**
   * @param fresh for those that are going to be reloaded
   * @throws LocalError `MISUSE` for a module that cannot be imported or has no agent, and for agents that clash
   */
  static async load(
    names: readonly string[],
    cwd: string,
    fresh?: FreshImports,
  ): Promise<AgentModules> {
    const modules = new AgentModules(cwd, fresh);
    fresh?.begin();
    for (const name of names) {
      const file = resolve(cwd, name);
      modules.#loaded.set(file, await modules.#agentsIn(file));
    }
    modules.#agents = modules.#together(modules.#loaded);
    return modules;
  }

  get agents(): readonly LoadedAgent[] {
    return this.#agents;
  }

  /**
   * Imports them again. One that broke is as it was, and so are all if what they have now clashes.
   * @returns what is wrong, a line each
   */
  async reload(): Promise<readonly string[]> {
    this.#fresh?.begin();
    const loaded = new Map(this.#loaded);
    const faults: string[] = [];
    const attempt = async (work: () => Promise<void> | void): Promise<void> => {
      try {
        await work();
      } catch (error) {
        if (!(error instanceof LocalError)) throw error;
        faults.push(error.message);
      }
    };
    for (const file of loaded.keys()) {
      await attempt(async () => void loaded.set(file, await this.#agentsIn(file)));
    }
    await attempt(() => {
      this.#agents = this.#together(loaded);
      for (const [file, agents] of loaded) this.#loaded.set(file, agents);
    });
    return faults;
  }

  async #agentsIn(file: string): Promise<AnyAgent[]> {
    await this.#check(file);
    const agents = this.#exportedBy(file, await this.#import(file));
    if (agents.length > 0) return agents;
    const name = this.#name(file);
    throw usage(`${name} exports no agent: write \`export default defineAgent({ name, run })\``);
  }

  #exportedBy(file: string, namespace: Namespace): AnyAgent[] {
    try {
      return exportedAgents(namespace);
    } catch (error) {
      throw error instanceof LocalError ? usage(`${this.#name(file)}: ${error.message}`) : error;
    }
  }

  async #import(file: string): Promise<Namespace> {
    try {
      return await (this.#fresh?.import(file) ?? importModule(file));
    } catch (error) {
      throw usage(moduleFault(error, file, this.#cwd));
    }
  }

  async #check(file: string): Promise<void> {
    const name = this.#name(file);
    const stats = await stat(file).catch(() => undefined);
    if (stats === undefined) throw usage(`there is no file ${name}`);
    if (!stats.isFile()) throw usage(`${name} is no file: name the modules, such as agents.ts`);
    if (/^\.[cm]?ts$/.test(extname(file)) && !process.features.typescript) {
      throw usage(
        `${name} needs Node 22.18 or later, which runs TypeScript; this is ${process.versions.node}`,
      );
    }
  }

  /** @throws LocalError `MISUSE` when two agents have one reference */
  #together(loaded: ReadonlyMap<string, readonly AnyAgent[]>): LoadedAgent[] {
    const known = new Map<string, LoadedAgent>();
    for (const [file, agents] of loaded) {
      const module = this.#name(file);
      for (const agent of agents) {
        const reference = formatAgentReference(agent);
        const other = known.get(reference);
        // The same one may be exported twice, by default and by name, or by two modules.
        if (other?.agent === agent) continue;
        if (other !== undefined) throw usage(clash(reference, other.module, module));
        known.set(reference, { agent, reference, module });
      }
    }
    return [...known.values()];
  }

  #name(file: string): string {
    return relative(this.#cwd, file) || ".";
  }
}

function clash(reference: string, one: string, other: string): string {
  const where = one === other ? `${one} twice` : `${one} and in ${other}`;
  return `the agent ${reference} is in ${where}: give one of them another name or version`;
}
