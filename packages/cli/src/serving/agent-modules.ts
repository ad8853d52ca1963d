import { relative, resolve } from "node:path";
import { formatAgentReference, LocalError } from "@arcp/core";
import type { AnyAgent } from "@arcp/runtime";
import type { CommandContext } from "../context.ts";
import { usage } from "../failure.ts";
import { loadModule } from "./loaded-module.ts";
import type { ModuleExports } from "./module-exports.ts";
import type { FreshImports } from "./module-import.ts";

/** An agent, and the module that it comes from, as the user named it. */
export interface LoadedAgent {
  readonly agent: AnyAgent;
  readonly reference: string;
  readonly module: string;
}

/** The modules that the user named, and the agents in them. */
export class AgentModules {
  readonly #cwd: string;
  readonly #fresh: FreshImports | undefined;
  /** What each module last exported successfully, by its path. */
  readonly #loaded = new Map<string, ModuleExports>();
  #agents: readonly LoadedAgent[] = [];
  #tools: ModuleExports["tools"] = {};
  #models: ModuleExports["models"] = {};

  private constructor(cwd: string, fresh: FreshImports | undefined) {
    this.#cwd = cwd;
    this.#fresh = fresh;
  }

  /**
   * @param fresh for modules that will be reloaded
   * @throws LocalError `MISUSE` for a module that cannot be imported or has no agent, and for agents, tools or models that clash
   * @throws the signal's reason if it aborts before all of them are loaded
   */
  static async load(
    names: readonly string[],
    { cwd, signal }: Pick<CommandContext, "cwd" | "signal">,
    fresh?: FreshImports,
  ): Promise<AgentModules> {
    const modules = new AgentModules(cwd, fresh);
    const files = names.map((name) => resolve(cwd, name));
    fresh?.begin(files);
    for (const file of files) {
      modules.#loaded.set(file, await modules.#load(file, signal));
    }
    modules.#agents = modules.#together(modules.#loaded);
    modules.#tools = modules.#merged("tools");
    modules.#models = modules.#merged("models");
    return modules;
  }

  get agents(): readonly LoadedAgent[] {
    return this.#agents;
  }

  /** What agents call, by name. A reload changes neither the tools nor the models. */
  get tools(): ModuleExports["tools"] {
    return this.#tools;
  }

  /** What models cost, by id. */
  get models(): ModuleExports["models"] {
    return this.#models;
  }

  /**
   * Imports the modules again. A broken module stays as it was, and so do all of them if their new exports clash.
   *
   * @returns what is wrong, a line each
   * @throws the signal's reason if it aborts before all of them are loaded; then all of them stay as they were
   */
  async reload(signal: AbortSignal): Promise<readonly string[]> {
    this.#fresh?.begin(this.#loaded.keys());
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
      await attempt(async () => void loaded.set(file, await this.#load(file, signal)));
    }
    await attempt(() => {
      this.#agents = this.#together(loaded);
      for (const [file, exports] of loaded) this.#loaded.set(file, exports);
    });
    return faults;
  }

  #load(path: string, signal: AbortSignal): Promise<ModuleExports> {
    return loadModule({ path, name: this.#name(path) }, this.#cwd, this.#fresh, signal);
  }

  /** @throws LocalError `MISUSE` if two agents have the same reference */
  #together(loaded: ReadonlyMap<string, ModuleExports>): LoadedAgent[] {
    const known = new Map<string, LoadedAgent>();
    for (const [file, { agents }] of loaded) {
      const module = this.#name(file);
      for (const agent of agents) {
        const reference = formatAgentReference(agent);
        const other = known.get(reference);
        // One agent may be exported twice: by default and by name, or by two modules.
        if (other?.agent === agent) continue;
        if (other !== undefined) throw usage(clash(reference, other.module, module));
        known.set(reference, { agent, reference, module });
      }
    }
    return [...known.values()];
  }

  /** Two modules may export the same one. */
  #merged<What extends "tools" | "models">(what: What): ModuleExports[What] {
    const merged = new Map<string, { readonly value: unknown; readonly module: string }>();
    for (const [file, exports] of this.#loaded) {
      for (const [name, value] of Object.entries(exports[what])) {
        const other = merged.get(name);
        if (other !== undefined && other.value !== value) {
          throw usage(`${what} of ${other.module} and of ${this.#name(file)} both have ${name}`);
        }
        merged.set(name, { value, module: this.#name(file) });
      }
    }
    return Object.assign({}, ...[...this.#loaded.values()].map((exports) => exports[what]));
  }

  #name(file: string): string {
    return relative(this.#cwd, file) || ".";
  }
}

function clash(reference: string, one: string, other: string): string {
  const where = one === other ? `${one} twice` : `${one} and in ${other}`;
  return `the agent ${reference} is in ${where}: give one of them another name or version`;
}
