import { AgentRegistry, type AnyAgent, type RuntimeOptions } from "@arcp/runtime";
import type { Namespace } from "./module-import.ts";

type Tools = NonNullable<RuntimeOptions["tools"]>;
type Models = NonNullable<RuntimeOptions["models"]>;

/** What a module offers to a runtime. */
export interface ModuleExports {
  /** The agents of the default export first, then the others by name; one that is exported twice is listed twice. */
  readonly agents: readonly AnyAgent[];
  /** What agents call by name: the export `tools`. */
  readonly tools: Tools;
  /** What models cost, by id: the export `models`. */
  readonly models: Models;
}

/**
 * Finds agents, which may be in arrays, and tools by their properties, because their module may have `defineAgent` from another
 * copy of the runtime.
 *
 * @throws LocalError `MISUSE` for an export that looks like an agent but has an invalid definition
 */
export function moduleExports({ default: first, ...named }: Namespace): ModuleExports {
  const agents = [first, ...Object.values(named)].flat().filter(isAgent);
  // The registry checks agents as the runtime's will. Clashes are reported later, with the names of the modules.
  const registry = new AgentRegistry();
  for (const agent of agents) registry.register(agent);
  const { tools, models } = named;
  return {
    agents,
    tools: isTable(tools, isTool) ? tools : {},
    models: isTable(models, isPriceTable) ? models : {},
  };
}

function isAgent(value: unknown): value is AnyAgent {
  return isObject(value) && typeof value["name"] === "string" && isRunnable(value);
}

/** Any other value under that name is the module's own business. */
function isTool(value: unknown): value is Tools[string] {
  return typeof value === "function" || (isObject(value) && isRunnable(value));
}

/** The runtime reports invalid amounts. */
function isPriceTable(value: unknown): value is Models[string] {
  return isObject(value) && Object.values(value).every(isObject);
}

function isTable<T>(
  value: unknown,
  isEntry: (entry: unknown) => entry is T,
): value is Record<string, T> {
  return isObject(value) && Object.values(value).every(isEntry);
}

function isRunnable(value: Record<string, unknown>): boolean {
  return typeof value["run"] === "function";
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
