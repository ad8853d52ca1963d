import { readFile } from "node:fs/promises";
import { resolve } from "node:path";
import { text } from "node:stream/consumers";
import { usage } from "./failure.ts";
import type { Surroundings } from "./surroundings.ts";

/**
 * The input of a job.
 *
 * @param argument JSON, `@` and the path of a file with JSON, or `-` for the standard input; nothing is null
 * @throws LocalError `MISUSE` for what is no JSON, or cannot be read
 */
export async function inputOf(
  argument: string | undefined,
  surroundings: Pick<Surroundings, "stdin" | "cwd">,
): Promise<unknown> {
  if (argument === undefined) return null;
  if (argument === "-") return parsed(await text(surroundings.stdin), "the standard input");
  if (!argument.startsWith("@")) return parsed(argument, "the input");
  const path = argument.slice(1);
  try {
    return parsed(await readFile(resolve(surroundings.cwd, path), "utf8"), path);
  } catch (error) {
    if (!(error instanceof Error && "syscall" in error)) throw error;
    throw usage(`${path} cannot be read: ${error.message}`);
  }
}

function parsed(json: string, name: string): unknown {
  try {
    return JSON.parse(json);
  } catch (error) {
    const why = error instanceof Error ? error.message : error;
    const hint = name === "the input" ? `; a text is '"in quotes"', a file @file` : "";
    throw usage(`${name} is no JSON: ${why}${hint}`);
  }
}
