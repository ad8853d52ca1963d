import { readFile, stat } from "node:fs/promises";
import { resolve } from "node:path";
import { type Authenticate, tokenTable } from "@arcp/runtime";
import type { CommandContext } from "../context.ts";
import { failureOf, usage } from "../failure.ts";

type Around = Pick<CommandContext, "cwd" | "stderr">;

/**
 * Who may connect: a line for each token, `TOKEN PRINCIPAL`, and empty ones and comments (`#`) between. It is read again when it
 * has changed, for tokens come and go while jobs run; what is wrong with it then is told, and what it said before holds.
 */
export class TokenFile {
  readonly #name: string;
  readonly #around: Around;
  #version: string;
  #table: Authenticate;
  #isFresh = Promise.resolve();

  private constructor(name: string, around: Around, version: string, table: Authenticate) {
    this.#name = name;
    this.#around = around;
    this.#version = version;
    this.#table = table;
  }

  /** @throws LocalError `MISUSE` for a file that cannot be read, or a line that says something else */
  static async open(name: string, around: Around): Promise<TokenFile> {
    const version = await versionOf(name, around);
    return new TokenFile(name, around, version, await tableIn(name, around));
  }

  /** As the file is now. */
  readonly authenticate: Authenticate = async (token) => {
    this.#isFresh = this.#isFresh.then(() => this.#refresh());
    await this.#isFresh;
    return this.#table(token);
  };

  async #refresh(): Promise<void> {
    const { stderr } = this.#around;
    const version = await versionOf(this.#name, this.#around);
    if (version === this.#version) return;
    this.#version = version;
    try {
      this.#table = await tableIn(this.#name, this.#around);
    } catch (error) {
      stderr.write(`arcp: ${failureOf(error).text}; the previous tokens stay valid\n`);
    }
  }
}

/** Whether every user of this machine can use the file. A group may be meant to. */
export async function isForAll(name: string, cwd: string): Promise<boolean> {
  const stats = await stat(resolve(cwd, name));
  // Windows has no such thing, and Node says that all may.
  return process.platform !== "win32" && stats.isFile() && (stats.mode & 0o006) !== 0;
}

/** Another one when the file was written or replaced. Whoever reads says why it cannot be looked at. */
async function versionOf(name: string, { cwd }: Around): Promise<string> {
  const stats = await stat(resolve(cwd, name), { bigint: true }).catch(() => undefined);
  return `${stats?.ino} ${stats?.mtimeNs} ${stats?.size}`;
}

async function tableIn(name: string, { cwd }: Around): Promise<Authenticate> {
  const tokens = new Map<string, string>();
  for (const [index, line] of (await read(name, cwd)).split(/\r?\n/).entries()) {
    const words = line.trim().split(/\s+/);
    const [token = "", principal] = words;
    if (token === "" || token.startsWith("#")) continue;
    if (principal === undefined || words.length > 2) {
      throw usage(`${name}:${index + 1} has to be \`TOKEN PRINCIPAL\`, such as \`s3cret alice\``);
    }
    if (tokens.has(token)) throw usage(`${name}:${index + 1} repeats the token of an earlier line`);
    tokens.set(token, principal);
  }
  if (tokens.size === 0)
    throw usage(`${name} has no token: write one \`TOKEN PRINCIPAL\` per line`);
  return tokenTable(Object.fromEntries(tokens));
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
