import { readFile } from "node:fs/promises";
import { resolve } from "node:path";
import { buffer } from "node:stream/consumers";
import type { CommandContext } from "./context.ts";
import { usage } from "./failure.ts";
import { untilAborted } from "./until-aborted.ts";

/**
 * The input of a job.
 *
 * @param argument JSON, `@` and the path of a file with JSON, or `-` for standard input; without one, the input is null
 * @throws LocalError `MISUSE` if it is not JSON, or cannot be read
 * @throws the signal's reason if it aborts before standard input has ended
 */
export async function inputOf(
  argument: string | undefined,
  { stdin, cwd, signal }: Pick<CommandContext, "stdin" | "cwd" | "signal">,
): Promise<unknown> {
  if (argument === undefined) return null;
  if (argument === "-") {
    return parsedBytes(await untilAborted(buffer(stdin), signal), "standard input");
  }
  if (!argument.startsWith("@")) return parsed(argument, "the input");
  const path = argument.slice(1);
  if (path === "") throw usage("the @ of the input has to be followed by the path of a JSON file");
  try {
    return parsedBytes(await readFile(resolve(cwd, path)), path);
  } catch (error) {
    if (!(error instanceof Error && "syscall" in error)) throw error;
    if ("code" in error && error.code === "ENOENT") throw usage(`there is no file ${path}`);
    throw usage(`${path} cannot be read: ${error.message}`);
  }
}

/** Rejects bytes that are not UTF-8, which would otherwise be replaced silently. A byte order mark is not part of the JSON. */
function parsedBytes(bytes: Uint8Array, name: string): unknown {
  let json: string;
  try {
    json = new TextDecoder("utf-8", { fatal: true }).decode(bytes);
  } catch {
    throw usage(`${name} is not UTF-8, as JSON has to be`);
  }
  return parsed(json, name);
}

function parsed(json: string, name: string): unknown {
  if (json.trim() === "") throw usage(`${name} is empty: leave it out if the agent takes none`);
  try {
    return JSON.parse(json);
  } catch (error) {
    const why = error instanceof Error ? error.message : error;
    const hint = name === "the input" ? `; write a string as '"in quotes"', a file as @file` : "";
    throw usage(`${name} is not JSON: ${why}${hint}`);
  }
}
