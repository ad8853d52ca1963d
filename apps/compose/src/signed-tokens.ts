import { createHmac, timingSafeEqual } from "node:crypto";
import type { Authenticate } from "@arcp/runtime";

// The seam of auth: a function from a token to a principal, or to nothing.

/** A token that says whose it is and until when, and proves it; nobody has to keep it anywhere. */
export function signedToken(secret: string, principal: string, expiresAt: Date): string {
  const claim = Buffer.from(JSON.stringify([principal, expiresAt.getTime()])).toString("base64url");
  return `${claim}.${signature(secret, claim).toString("base64url")}`;
}

/** Knows the tokens that were signed with a secret, until they expire. */
export function signedTokens(secret: string, now: () => number = Date.now): Authenticate {
  return (token) => {
    const [claim = "", proof = "", ...rest] = token.split(".");
    const expected = signature(secret, claim);
    const given = Buffer.from(proof, "base64url");
    // In constant time: how long it takes must not tell how much of it was right.
    const holds = given.length === expected.length && timingSafeEqual(given, expected);
    if (!holds || rest.length > 0) return undefined;
    // Signed by us, so it is what we wrote.
    const [principal, expiresAt] = JSON.parse(Buffer.from(claim, "base64url").toString());
    return expiresAt > now() ? principal : undefined;
  };
}

function signature(secret: string, claim: string): Buffer {
  return createHmac("sha256", secret).update(claim).digest();
}
