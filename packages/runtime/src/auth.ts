import { createHash, timingSafeEqual } from "node:crypto";

/**
 * Verifies a bearer token. What it throws is a fault of the verifier: the client gets `INTERNAL_ERROR` and may try again.
 * @returns whose it is, or nothing when it is not valid
 */
export type Authenticate = (token: string) => string | undefined | Promise<string | undefined>;

/**
 * A table of tokens and whose they are. Every look-up compares with every entry in constant time, so that its duration
 * tells nothing (R-6.1-5).
 * @param tokens bearer token to principal
 */
export function tokenTable(tokens: Readonly<Record<string, string>>): Authenticate {
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
 * Lets everybody in under one name, whatever the token, though there has to be one (R-6.1-2): anonymous access, switched on
 * explicitly (R-6.1-4).
 */
export function allowAnonymous(principal = "anonymous"): Authenticate {
  return () => principal;
}

function digest(token: string): Buffer {
  return createHash("sha256").update(token).digest();
}
