import { expect, test } from "vitest";
import { errorCodes } from "./error-code.ts";
import { LocalError, localErrorCodes } from "./local-error.ts";
import { TransportClosedError } from "./transport-closed-error.ts";

test("no local code is a code of the wire", () => {
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

test("a broken connection has no reason, a closed one names it", () => {
  expect(new TransportClosedError().reason).toBeUndefined();
  expect(new TransportClosedError("too-big").message).toContain("too-big");
});
