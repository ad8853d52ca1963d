import { readFile, stat } from "node:fs/promises";
import { resolve } from "node:path";
import { usage } from "../failure.ts";

/**
 * Who may connect: a line for each token, `TOKEN PRINCIPAL`, and empty ones and comments (`#`) between.
 *
 * @returns principals by token
 * @throws LocalError `MISUSE` for a file that cannot be read, or a line that says something else
 */
export async function readTokenFile(name: string, cwd: string): Promise<Record<string, string>> {
  const tokens = new Map<string, string>();
  for (const [index, line] of (await read(name, cwd)).split(/\r?\n/).entries()) {
    const words = line.trim().split(/\s+/);
    const [token = "", principal] = words;
    if (token === "" || token.startsWith("#")) continue;
    if (principal === undefined || words.length > 2) {
      throw usage(`${name}:${index + 1} has to be \`TOKEN PRINCIPAL\`, such as \`s3cret alice\``);
    }
    if (tokens.has(token)) throw usage(`${name}:${index + 1} has a token that is above already`);
    tokens.set(token, principal);
  }
  if (tokens.size === 0) throw usage(`${name} has no token: write lines \`TOKEN PRINCIPAL\``);
  return Object.fromEntries(tokens);
}

/** Whether every user of this machine can use the file. A group may be meant to. */
export async function isForAll(name: string, cwd: string): Promise<boolean> {
  const stats = await stat(resolve(cwd, name));
  // Windows has no such thing, and Node says that all may.
  return process.platform !== "win32" && stats.isFile() && (stats.mode & 0o006) !== 0;
}

async function read(name: string, cwd: string): Promise<string> {
  try {
    return await readFile(resolve(cwd, name), "utf8");
  } catch (error) {
    const missing = error instanceof Error && "code" in error && error.code === "ENOENT";
    if (missing) throw usage(`there is no file ${name}`);
    throw usage(`${name} cannot be read: ${error instanceof Error ? error.message : error}`);
  }
}
