import { expect, test } from "vitest";
import { ArcpError } from "./arcp-error.ts";
import { type ErrorCode, errorCodes } from "./error-code.ts";
import { LocalError } from "./local-error.ts";
import { TransportClosedError } from "./transport-closed-error.ts";

function revoked(): object {
  const { proxy, revoke } = Proxy.revocable({}, {});
  revoke();
  return proxy;
}

const codes = Object.keys(errorCodes) as ErrorCode[];

test.each(codes)(
  "R-12-2: the retryable flag of %s can be overridden exactly where the table does not fix it",
  (code) => {
    const { retryable, fixed } = errorCodes[code];
    expect(new ArcpError(code, "x").retryable).toBe(retryable);
    const opposite = new ArcpError(code, "x", { retryable: !retryable });
    expect(opposite.retryable).toBe(fixed ? retryable : !retryable);
    expect(opposite.toPayload().retryable).toBe(opposite.retryable);
  },
);

test.each([...codes, "ACME_QUOTA", ""])("R-12-3: the message of %s is never empty", (code) => {
  const text = new ArcpError(code, "").message;
  if (code !== "") expect(text).not.toBe("");
});

test("an error's message is cut to 2,048 characters", () => {
  expect(new ArcpError("INTERNAL_ERROR", "x".repeat(5000)).message).toHaveLength(2048);
  const handedOn = new ArcpError("INTERNAL_ERROR", "disk full");
  handedOn.message = `while writing: ${handedOn.message}${"!".repeat(5000)}`;
  expect(handedOn.toPayload().message).toBe(handedOn.message.slice(0, 2048));
});

test("an error's message is never cut within a character", () => {
  const long = `${"x".repeat(2047)}🦉${"x".repeat(10)}`;
  const error = new ArcpError("INTERNAL_ERROR", long);
  expect(error.message).toBe("x".repeat(2047));
  error.message = long;
  expect(error.toPayload().message).toBe("x".repeat(2047));
  const whole = `${"x".repeat(2046)}🦉`;
  expect(new ArcpError("INTERNAL_ERROR", `${whole}🦉`).message).toBe(whole);
});

test("R-12-3: an error that was tampered with still has a message and a boolean retryable", () => {
  const error = new ArcpError("TIMEOUT", "slow", { retryable: "yes" as never });
  error.message = "";
  const { message, retryable } = error.toPayload();
  expect([message, retryable]).toEqual([new ArcpError("TIMEOUT", "").message, true]);
});

test("R-12-3: an unknown code is kept, and retryable only if the error says so", () => {
  const payload = { code: "ACME_QUOTA", message: "no", retryable: true };
  expect(ArcpError.fromPayload(payload).toPayload()).toEqual(payload);
  expect(new ArcpError("ACME_QUOTA", "no").retryable).toBe(false);
});

test("R-7.3-9: an error that was thrown deliberately keeps its code, message, retryable flag and details", () => {
  const error = new ArcpError("TIMEOUT", "slow upstream", { retryable: false, details: { n: 1 } });
  expect(ArcpError.from(error)).toBe(error);
  const payload = error.toPayload();
  expect(payload).toEqual({
    code: "TIMEOUT",
    message: "slow upstream",
    retryable: false,
    details: { n: 1 },
  });
  expect(ArcpError.fromPayload(payload).toPayload()).toEqual(payload);
});

test.each([
  ["an error", new Error("secret at /home/x/agent.ts:12")],
  ["a string", "secret"],
  ["undefined", undefined],
  ["null", null],
  ["a look-alike", { name: "ArcpError", code: "CANCELLED", message: "secret", retryable: false }],
  ["a local error", new LocalError("MISUSE", "secret")],
  ["a closed transport", new TransportClosedError("refused")],
  ["a proxy that was revoked", revoked()],
])("R-7.3-8, R-5.3-6: %s becomes INTERNAL_ERROR and reveals nothing of itself", (_, thrown) => {
  const error = ArcpError.from(thrown);
  expect(error.code).toBe("INTERNAL_ERROR");
  expect(error.cause).toBe(thrown);
  const text = JSON.stringify(error.toPayload());
  expect(text).not.toContain("secret");
  expect(text).not.toContain("/home");
});

test("R-5.3-6: neither the cause nor the stack is in the payload", () => {
  const error = new ArcpError("INTERNAL_ERROR", "x", { cause: new Error("secret") });
  expect(Object.keys(error.toPayload())).toEqual(["code", "message", "retryable"]);
});

test("errors of the wire and local errors are separate families", () => {
  const closed = new TransportClosedError("going-away");
  expect(closed).toBeInstanceOf(LocalError);
  expect(closed).not.toBeInstanceOf(ArcpError);
  expect(closed.code).toBe("TRANSPORT_CLOSED");
  expect(closed.reason).toBe("going-away");
  expect(new ArcpError("CANCELLED", "x")).not.toBeInstanceOf(LocalError);
  expect([new ArcpError("CANCELLED", "x").name, closed.name]).toEqual([
    "ArcpError",
    "TransportClosedError",
  ]);
});
