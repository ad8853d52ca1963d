import { AgentRegistry, type AnyAgent, type RuntimeOptions } from "@arcp/runtime";
import type { Namespace } from "./module-import.ts";

type Tools = NonNullable<RuntimeOptions["tools"]>;
type Models = NonNullable<RuntimeOptions["models"]>;

/** What a module has for a runtime. */
export interface ModuleExports {
  /** First that of the default export, then the others by name; one that is exported twice comes twice. */
  readonly agents: readonly AnyAgent[];
  /** What agents call by name: the export `tools`. */
  readonly tools: Tools;
  /** What models cost, by id: the export `models`. */
  readonly models: Models;
}

/**
 * Agents may be in arrays. They and tools are known by what they have, since their module may have `defineAgent` from another
 * copy of the runtime than this one.
 *
 * @throws LocalError `MISUSE` for what has all of an agent but a valid definition
 */
export function moduleExports({ default: first, ...named }: Namespace): ModuleExports {
  const agents = [first, ...Object.values(named)].flat().filter(isAgent);
  // It looks at what it takes, as that of the runtime will. Which of them clash is told with their modules.
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

/** Anything else under that name is the module's own affair. */
function isTool(value: unknown): value is Tools[string] {
  return typeof value === "function" || (isObject(value) && isRunnable(value));
}

/** The runtime says what is wrong with its amounts. */
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
