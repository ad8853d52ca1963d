import { createHash, timingSafeEqual } from "node:crypto";
import { isPlain, LocalError, rule } from "@arcp/core";

/**
 * Verifies a bearer token. If it throws, even for a token that has expired, the verifier itself has failed: the client
 * gets `INTERNAL_ERROR` and retries.
 * @returns the token's principal, or nothing if the token is not valid
 */
export type Authenticate = (token: string) => string | undefined | Promise<string | undefined>;

/** What an unset value looks like once it is used as a property name. */
const UNSET = ["", "undefined", "null"];

/**
 * A table of tokens and their principals. Every lookup compares with every entry in constant time, so its duration reveals nothing
 * (R-6.1-5).
 * @param tokens bearer token to principal
 * @throws LocalError `MISUSE` for an invalid table, and for a token that looks as if it came from an unset variable
 */
export function tokenTable(tokens: Readonly<Record<string, string>>): Authenticate {
  if (!isPlain(tokens)) {
    throw new LocalError("MISUSE", "tokenTable takes an object: { token: principal }");
  }
  const unset = UNSET.find((token) => Object.hasOwn(tokens, token));
  if (unset !== undefined) {
    const where = "is the environment variable that it comes from set?";
    throw new LocalError("MISUSE", `tokenTable: ${JSON.stringify(unset)} is not a token: ${where}`);
  }
  for (const principal of Object.values(tokens)) checkPrincipal("tokenTable", principal);
  const entries = Object.entries(tokens).map(([token, principal]) => ({
    digest: digest(token),
    principal,
  }));
  return (token) => {
    const presented = digest(token);
    let found: string | undefined;
    for (const entry of entries) {
      if (timingSafeEqual(entry.digest, presented)) found = entry.principal;
    }
    return found;
  };
}

/**
 * Admits everybody as one principal, whatever the token, although there must be one (R-6.1-2). This is anonymous access, switched
 * on explicitly (R-6.1-4).
 * @throws LocalError `MISUSE` for an invalid name
 */
export function allowAnonymous(principal = "anonymous"): Authenticate {
  checkPrincipal("allowAnonymous", principal);
  return () => principal;
}

function checkPrincipal(what: string, principal: unknown): void {
  if (rule.text.fits(principal)) return;
  throw new LocalError("MISUSE", `${what}: a principal must be a name, such as "alice"`);
}

function digest(token: string): Buffer {
  return createHash("sha256").update(token).digest();
}
