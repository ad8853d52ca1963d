import { randomBytes } from "node:crypto";
import { readFile, writeFile } from "node:fs/promises";
import { resolve } from "node:path";
import type { LocalError } from "@arcp/core";
import type { CommandContext } from "../context.ts";
import { usage } from "../failure.ts";
import { isForAll, readTokenFile } from "./token-file.ts";

/** Who may connect, and how they are told. */
export type Access =
  | { readonly kind: "file"; readonly name: string; readonly tokens: Tokens }
  | { readonly kind: "environment"; readonly tokens: Tokens }
  | { readonly kind: "made-up"; readonly token: string; readonly tokens: Tokens };

/** Principals by token. */
type Tokens = Readonly<Record<string, string>>;

/** Whoever has the one token. It stays the same, so that a store that is opened again has the jobs of whoever asks. */
const PRINCIPAL = "local";

/**
 * Without a file of tokens there is one token: that of `ARCP_TOKEN`, or one that is made up. With a store that one stays, in a
 * file beside it, for clients come back to their jobs after a restart. A file of tokens that everybody can read is told of.
 *
 * @throws LocalError `MISUSE` for a token file that cannot be used
 */
export async function accessOf(
  { tokenFile, store }: { readonly tokenFile?: string; readonly store?: string },
  { cwd, env, stderr }: Pick<CommandContext, "cwd" | "env" | "stderr">,
): Promise<Access> {
  const kept = async (name: string): Promise<void> => {
    if (!(await isForAll(name, cwd))) return;
    stderr.write(`arcp: ${name} is open to every user of this machine: chmod 600 ${name}\n`);
  };
  if (tokenFile !== undefined) {
    const tokens = await readTokenFile(tokenFile, cwd);
    await kept(tokenFile);
    return { kind: "file", name: tokenFile, tokens };
  }
  const given = env["ARCP_TOKEN"];
  if (given) return { kind: "environment", tokens: { [given]: PRINCIPAL } };
  const madeUp = (token: string): Access => ({
    kind: "made-up",
    token,
    tokens: { [token]: PRINCIPAL },
  });
  if (store === undefined) return madeUp(newToken());
  const token = await keptToken(`${store}.token`, cwd);
  await kept(`${store}.token`);
  return madeUp(token);
}

async function keptToken(name: string, cwd: string): Promise<string> {
  const file = resolve(cwd, name);
  try {
    const kept = (await readFile(file, "utf8")).trim();
    if (kept !== "") return kept;
  } catch (error) {
    if (codeOf(error) !== "ENOENT") throw cannotKeep(name, error);
  }
  const token = newToken();
  try {
    await writeFile(file, `${token}\n`, { mode: 0o600 });
  } catch (error) {
    throw cannotKeep(name, error);
  }
  return token;
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
