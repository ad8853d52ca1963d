import { expect, test } from "vitest";
import { errorCodes } from "./error-code.ts";
import { LocalError, localErrorCodes } from "./local-error.ts";
import type { CloseReason } from "./transport.ts";
import { TransportClosedError } from "./transport-closed-error.ts";

test("no local code is also a code of the wire", () => {
  for (const code of localErrorCodes) expect(Object.keys(errorCodes)).not.toContain(code);
});

test("a local error keeps code, message and cause", () => {
  const cause = new Error("why");
  const error = new LocalError("MISUSE", "call it once", { cause });
  expect(error).toBeInstanceOf(Error);
  expect([error.name, error.code, error.message, error.cause]).toEqual([
    "LocalError",
    "MISUSE",
    "call it once",
    cause,
  ]);
});

test("an error is retryable by its code unless it says otherwise", () => {
  const retryable = localErrorCodes.filter((code) => new LocalError(code, "m").retryable);
  expect(retryable).toEqual(["TRANSPORT_CLOSED", "REQUEST_TIMEOUT", "BACKPRESSURE"]);
  expect(new LocalError("TRANSPORT_CLOSED", "m", { retryable: false }).retryable).toBe(false);
  expect(new LocalError("TRANSPORT_CLOSED", "m", { retryable: undefined }).retryable).toBe(true);
});

test("a connection that was refused, or closed for what was sent, is not worth retrying", () => {
  const retryable = (reason?: CloseReason) => new TransportClosedError(reason).retryable;
  expect([retryable(), retryable("normal"), retryable("going-away"), retryable("fault")]).toEqual([
    true,
    true,
    true,
    true,
  ]);
  expect([retryable("refused"), retryable("too-big"), retryable("not-text")]).toEqual([
    false,
    false,
    false,
  ]);
});

test("a broken connection has no reason, and a closed one names its reason", () => {
  expect(new TransportClosedError().reason).toBeUndefined();
  expect(new TransportClosedError("too-big").message).toContain("too-big");
});
