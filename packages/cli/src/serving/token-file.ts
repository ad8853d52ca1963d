import { readFile, stat } from "node:fs/promises";
import { resolve } from "node:path";
import { type Authenticate, tokenTable } from "@arcp/runtime";
import type { CommandContext } from "../context.ts";
import { failureOf, usage } from "../failure.ts";

type Around = Pick<CommandContext, "cwd" | "stderr">;

/**
 * Who may connect: a line `TOKEN PRINCIPAL` for each token, besides empty lines and comments (`#`). The file is read again when it
 * has changed, because tokens come and go while jobs run; if it is invalid then, that is reported, and its last valid content
 * applies.
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

  /** @throws LocalError `MISUSE` for a file that cannot be read, or an invalid line */
  static async open(name: string, around: Around): Promise<TokenFile> {
    const version = await versionOf(name, around);
    return new TokenFile(name, around, version, await tableIn(name, around));
  }

  /** Uses the file as it is now. */
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

/** Whether every user of this machine can read or write the file. Access for a group may be intended. */
export async function isForAll(name: string, cwd: string): Promise<boolean> {
  const stats = await stat(resolve(cwd, name));
  // Windows has no such permissions, and Node reports that everybody has access.
  return process.platform !== "win32" && stats.isFile() && (stats.mode & 0o006) !== 0;
}

/** Changes when the file is written or replaced. If it cannot be inspected, reading it will say why. */
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
