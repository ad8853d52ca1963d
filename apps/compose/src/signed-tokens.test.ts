import { expect, test } from "vitest";
import { signedToken, signedTokens } from "./signed-tokens.ts";

const token = signedToken("a secret", "alice", new Date(1_000));
const at = (now: number, secret = "a secret") => signedTokens(secret, () => now);

test("a token is valid until it expires, under the secret that it was signed with", () => {
  expect(at(999)(token)).toBe("alice");
  expect(at(1_000)(token)).toBeUndefined();
  expect(at(999, "another secret")(token)).toBeUndefined();
});

test("a claim that was changed is refused", () => {
  const [, proof] = token.split(".");
  const claim = Buffer.from(JSON.stringify(["bob", 1_000])).toString("base64url");
  for (const wrong of [`${claim}.${proof}`, `${token}.x`, `${token.slice(0, -4)}`, "", ".", "x"]) {
    expect(at(999)(wrong), wrong).toBeUndefined();
  }
});
