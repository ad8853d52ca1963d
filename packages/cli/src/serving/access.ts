import { randomBytes } from "node:crypto";
import { readFile, writeFile } from "node:fs/promises";
import { resolve } from "node:path";
import type { LocalError } from "@arcp/core";
import { type Authenticate, tokenTable } from "@arcp/runtime";
import type { CommandContext } from "../context.ts";
import { usage } from "../failure.ts";
import { isForAll, TokenFile } from "./token-file.ts";

/** Who may connect, and how users are told. */
export type Access =
  | { readonly kind: "file"; readonly name: string; readonly auth: Authenticate }
  | { readonly kind: "environment"; readonly auth: Authenticate }
  | {
      readonly kind: "made-up";
      readonly token: string;
      readonly auth: Authenticate;
      /** The file in which it still has to be kept for the next process. */
      readonly unkept?: string;
    };

/** The principal of the one token. It never changes, so that the jobs in a reopened store belong to whoever has that token. */
const PRINCIPAL = "local";

/**
 * Without a token file there is one token: the one in `ARCP_TOKEN`, or a generated one. With a store, a generated token is kept in
 * a file beside the store, because clients return to their jobs after a restart; nothing is written yet. Warns about a token file
 * that everybody can read.
 *
 * @throws LocalError `MISUSE` for a token file that cannot be used
 */
export async function accessOf(
  { tokenFile, store }: { readonly tokenFile?: string; readonly store?: string },
  { cwd, env, stderr }: Pick<CommandContext, "cwd" | "env" | "stderr">,
): Promise<Access> {
  const kept = async (name: string): Promise<void> => {
    if (!(await isForAll(name, cwd))) return;
    stderr.write(`arcp: ${name} is open to every user of this machine: run chmod 600 ${name}\n`);
  };
  if (tokenFile !== undefined) {
    const { authenticate: auth } = await TokenFile.open(tokenFile, { cwd, stderr });
    await kept(tokenFile);
    return { kind: "file", name: tokenFile, auth };
  }
  const given = env["ARCP_TOKEN"];
  if (given) return { kind: "environment", auth: tokenTable({ [given]: PRINCIPAL }) };
  const madeUp = (token: string) =>
    ({ kind: "made-up", token, auth: tokenTable({ [token]: PRINCIPAL }) }) as const;
  if (store === undefined) return madeUp(newToken());
  const name = `${store}.token`;
  const token = await keptToken(name, cwd);
  if (token !== undefined) await kept(name);
  return token ? madeUp(token) : { ...madeUp(newToken()), unkept: name };
}

/**
 * Writes down a generated token, once the store that it belongs to exists.
 *
 * @throws LocalError `MISUSE` if it cannot be written
 */
export async function keepToken(access: Access, cwd: string): Promise<void> {
  if (access.kind !== "made-up" || access.unkept === undefined) return;
  const { token, unkept: name } = access;
  try {
    await writeFile(resolve(cwd, name), `${token}\n`, { mode: 0o600 });
  } catch (error) {
    throw cannotKeep(name, error);
  }
}

/** @returns undefined if there is no such file; empty if there is nothing in it */
async function keptToken(name: string, cwd: string): Promise<string | undefined> {
  try {
    return (await readFile(resolve(cwd, name), "utf8")).trim();
  } catch (error) {
    // If the directory does not exist, the store reports that.
    if (/^(ENOENT|ENOTDIR)$/.test(`${codeOf(error)}`)) return undefined;
    throw cannotKeep(name, error);
  }
}

function newToken(): string {
  return randomBytes(16).toString("base64url");
}

function cannotKeep(name: string, error: unknown): LocalError {
  return usage(`${name} cannot be used: ${error instanceof Error ? error.message : error}`);
}

function codeOf(error: unknown): unknown {
  return error instanceof Error && "code" in error ? error.code : undefined;
}
