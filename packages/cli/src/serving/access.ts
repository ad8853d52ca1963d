import { randomBytes } from "node:crypto";
import type { CommandContext } from "../context.ts";
import { readTokenFile } from "./token-file.ts";

/** Who may connect, and how they are told. */
export type Access =
  | { readonly kind: "file"; readonly name: string; readonly tokens: Tokens }
  | { readonly kind: "environment"; readonly tokens: Tokens }
  | { readonly kind: "made-up"; readonly token: string; readonly tokens: Tokens };

/** Principals by token. */
type Tokens = Readonly<Record<string, string>>;

/** Whoever has the one token. It stays the same, so that a store that is opened again has the jobs of whoever asks. */
const PRINCIPAL = "local";

/** @throws LocalError `MISUSE` for a token file that cannot be used */
export async function accessOf(
  tokenFile: string | undefined,
  { cwd, env }: Pick<CommandContext, "cwd" | "env">,
): Promise<Access> {
  if (tokenFile !== undefined) {
    return { kind: "file", name: tokenFile, tokens: await readTokenFile(tokenFile, cwd) };
  }
  const given = env["ARCP_TOKEN"];
  if (given) return { kind: "environment", tokens: { [given]: PRINCIPAL } };
  const token = randomBytes(16).toString("base64url");
  return { kind: "made-up", token, tokens: { [token]: PRINCIPAL } };
}
