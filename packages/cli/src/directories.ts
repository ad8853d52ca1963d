import { homedir } from "node:os";
import { isAbsolute, join } from "node:path";
import type { Surroundings } from "./surroundings.ts";

type Environment = Pick<Surroundings, "env">;

/** Where the profiles are: `$XDG_CONFIG_HOME/arcp`. */
export function configDirectory(surroundings: Environment): string {
  return directory(surroundings, "XDG_CONFIG_HOME", ".config");
}

/** Where the command records how to return to jobs: `$XDG_STATE_HOME/arcp`. */
export function stateDirectory(surroundings: Environment): string {
  return directory(surroundings, "XDG_STATE_HOME", ".local/state");
}

/** The base directory specification says that relative paths are ignored. */
function directory({ env }: Environment, variable: string, otherwise: string): string {
  const base = env[variable];
  if (base !== undefined && isAbsolute(base)) return join(base, "arcp");
  return join(env["HOME"] || homedir(), otherwise, "arcp");
}
