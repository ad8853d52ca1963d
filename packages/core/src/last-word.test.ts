import { expect, test } from "vitest";
import { ArcpError } from "./arcp-error.ts";
import { decode } from "./codec.ts";
import { lastWord } from "./last-word.ts";

const payloadOf = (error: unknown) => {
  const decoded = decode(lastWord(error));
  return decoded.kind === "ok" ? decoded.message.payload : decoded;
};

test("R-4.1-11: a last word repeats an ArcpError, and reveals nothing of any other error", () => {
  const refused = new ArcpError("PERMISSION_DENIED", "not today", { details: { until: "May" } });
  expect(payloadOf(refused)).toEqual(refused.toPayload());
  expect(payloadOf(new TypeError("secret"))).toEqual(ArcpError.from(undefined).toPayload());
});

test("R-6.2-11: a last word names a session, or the TypeScript client would ignore it", () => {
  const names = [1, 2].map(() => JSON.parse(lastWord(new Error("x"))).session_id);
  for (const name of names) expect(name).toMatch(/^sess_.+/);
  expect(new Set(names).size).toBe(2);
});

test("R-4.1-11: an error that cannot be serialised still gets a last word", () => {
  const circle: Record<string, unknown> = {};
  circle["self"] = circle;
  const unreadable = Object.defineProperty(new ArcpError("INTERNAL_ERROR", "x"), "message", {
    get: () => {
      throw new TypeError("secret");
    },
  });
  const unwritable = [circle, { big: 1n }].map(
    (details) => new ArcpError("PERMISSION_DENIED", "not today", { details }),
  );
  for (const error of [...unwritable, unreadable]) {
    expect(payloadOf(error)).toEqual(ArcpError.from(undefined).toPayload());
  }
});
