import { expect, test } from "vitest";
import { hashToken, TokenRing } from "./token-ring.ts";

test("R-6.2-10: every token is fresh, and only its hash is kept", () => {
  const ring = new TokenRing();
  const tokens = Array.from({ length: 9 }, () => ring.issue());
  expect(new Set(tokens).size).toBe(9);
  for (const token of tokens) expect(token.length).toBeGreaterThanOrEqual(22);
  expect(ring.hashes).toEqual(tokens.map(hashToken));
});

test("R-6.3-7: confirming a token voids the older ones and no later one", () => {
  const ring = new TokenRing();
  const [first, second, third] = [ring.issue(), ring.issue(), ring.issue()];
  expect(ring.confirm(hashToken(second))).toBe(true);
  expect(ring.confirm(hashToken(first))).toBe(false);
  expect(ring.confirm(hashToken(third))).toBe(true);
  expect(ring.confirm(hashToken(second))).toBe(false);
  expect(ring.confirm(hashToken(third))).toBe(true);
});

test("R-6.3-7: however many welcomes get lost, the confirmed token stays valid, with the newest 8 after it", () => {
  const ring = new TokenRing();
  const confirmed = ring.issue();
  const lost = Array.from({ length: 50 }, () => ring.issue());
  expect(ring.hashes).toEqual([confirmed, ...lost.slice(-8)].map(hashToken));
  expect(ring.confirm(hashToken(lost[41] ?? ""))).toBe(false);
  expect(ring.confirm(hashToken(confirmed))).toBe(true);
});

test("R-6.3-7: the hashes given to a store do not change afterwards", () => {
  const ring = new TokenRing();
  const first = ring.issue();
  const stored = ring.hashes;
  ring.confirm(hashToken(ring.issue()));
  expect(stored).toEqual([hashToken(first)]);
});
