import { stat } from "node:fs/promises";
import { extname } from "node:path";
import { LocalError } from "@arcp/core";
import { usage } from "../failure.ts";
import { type ModuleExports, moduleExports } from "./module-exports.ts";
import { moduleFault } from "./module-fault.ts";
import { type FreshImports, importModule, type Namespace } from "./module-import.ts";

/** A file with agents, under the name that it is told by. */
export interface ModuleFile {
  readonly path: string;
  readonly name: string;
}

/** @throws LocalError `MISUSE` for what is no module, cannot be imported, or has no agent */
export async function loadModule(
  { path, name }: ModuleFile,
  cwd: string,
  fresh: FreshImports | undefined,
): Promise<ModuleExports> {
  await check(path, name);
  const exports = exportedBy(name, await imported(path, cwd, fresh));
  if (exports.agents.length > 0) return exports;
  throw usage(`${name} exports no agent: write \`export default defineAgent({ name, run })\``);
}

async function check(path: string, name: string): Promise<void> {
  const stats = await stat(path).catch(() => undefined);
  if (stats === undefined) throw usage(`there is no file ${name}`);
  if (!stats.isFile()) throw usage(`${name} is no file: name the modules, such as agents.ts`);
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

function exportedBy(name: string, namespace: Namespace): ModuleExports {
  try {
    return moduleExports(namespace);
  } catch (error) {
    throw error instanceof LocalError ? usage(`${name}: ${error.message}`) : error;
  }
}
