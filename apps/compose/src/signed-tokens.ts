import { createHmac, timingSafeEqual } from "node:crypto";
import type { Authenticate } from "@arcp/runtime";

// Auth is a function from a token to a principal, or to nothing.

/** A token that names its principal and its expiry, and proves both; nobody needs to store it. */
export function signedToken(secret: string, principal: string, expiresAt: Date): string {
  const claim = Buffer.from(JSON.stringify([principal, expiresAt.getTime()])).toString("base64url");
  return `${claim}.${signature(secret, claim).toString("base64url")}`;
}

/** Accepts the tokens that were signed with a secret, until they expire. */
export function signedTokens(secret: string, now: () => number = Date.now): Authenticate {
  return (token) => {
    const [claim = "", proof = "", ...rest] = token.split(".");
    const expected = signature(secret, claim);
    const given = Buffer.from(proof, "base64url");
    // In constant time: the duration must not reveal how much of it was right.
    const holds = given.length === expected.length && timingSafeEqual(given, expected);
    if (!holds || rest.length > 0) return undefined;
    // We signed it, so we wrote it.
    const [principal, expiresAt] = JSON.parse(Buffer.from(claim, "base64url").toString());
    return expiresAt > now() ? principal : undefined;
  };
}

function signature(secret: string, claim: string): Buffer {
  return createHmac("sha256", secret).update(claim).digest();
}
