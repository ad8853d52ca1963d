import { stat } from "node:fs/promises";
import { extname } from "node:path";
import { LocalError } from "@arcp/core";
import { usage } from "../failure.ts";
import { untilAborted } from "../until-aborted.ts";
import { type ModuleExports, moduleExports } from "./module-exports.ts";
import { moduleFault } from "./module-fault.ts";
import { type FreshImports, importModule, type Namespace } from "./module-import.ts";

/** A file with agents, and the name by which messages refer to it. */
export interface ModuleFile {
  readonly path: string;
  readonly name: string;
}

/**
 * @throws LocalError `MISUSE` for a file that is not a module, cannot be imported, or has no agent
 * @throws the signal's reason if it aborts before the module is loaded
 */
export async function loadModule(
  { path, name }: ModuleFile,
  cwd: string,
  fresh: FreshImports | undefined,
  signal: AbortSignal,
): Promise<ModuleExports> {
  await check(path, name);
  const importing = settled(imported(path, cwd, fresh), name);
  const exports = exportedBy(name, await untilAborted(importing, signal));
  if (exports.agents.length > 0) return exports;
  throw usage(`${name} exports no agent: write \`export default defineAgent({ name, run })\``);
}

async function check(path: string, name: string): Promise<void> {
  const stats = await stat(path).catch(() => undefined);
  if (stats === undefined) throw usage(`there is no file ${name}`);
  if (!stats.isFile()) throw usage(`${name} is not a file: pass modules, such as agents.ts`);
  if (/^\.[cm]?ts$/.test(extname(path)) && !process.features.typescript) {
    throw usage(
      `${name} needs Node 22.18 or later, which runs TypeScript; this is ${process.versions.node}`,
    );
  }
}

async function imported(
  path: string,
  cwd: string,
  fresh: FreshImports | undefined,
): Promise<Namespace> {
  try {
    return await (fresh?.import(path) ?? importModule(path));
  } catch (error) {
    throw usage(moduleFault(error, path, cwd));
  }
}

/** Without this, a process with nothing left to wait for would end in the middle of loading. */
async function settled<T>(work: Promise<T>, name: string): Promise<T> {
  const idle = Promise.withResolvers<never>();
  const tell = (): void => {
    idle.reject(usage(`${name} never finishes loading: nothing will settle what it awaits`));
  };
  process.once("beforeExit", tell);
  try {
    return await Promise.race([work, idle.promise]);
  } finally {
    process.off("beforeExit", tell);
  }
}

function exportedBy(name: string, namespace: Namespace): ModuleExports {
  try {
    return moduleExports(namespace);
  } catch (error) {
    throw error instanceof LocalError ? usage(`${name}: ${error.message}`) : error;
  }
}
