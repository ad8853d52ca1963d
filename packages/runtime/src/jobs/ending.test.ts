import { ArcpError, errorCodes } from "@arcp/core";
import { expect, test } from "vitest";
import { hosting } from "../../test/hosting.ts";
import { type Frame, Viewer } from "../../test/viewer.ts";
import { wireError } from "./ending.ts";

/** How a job ends on the wire if its agent ends like this. */
async function ending(how: { value?: unknown } | { error: unknown }): Promise<Frame> {
  const { runtime, start } = hosting();
  const viewer = new Viewer(runtime);
  await viewer.hello();
  const job = await start(viewer);
  if ("error" in how) job.fail(how.error);
  else job.end(how.value);
  return viewer.terminal(job.id);
}

const circular: Record<string, unknown> = {};
circular["self"] = circular;

test("R-7.3-9: an error whose details are not a JSON object ends its job without them, and not the process", async () => {
  for (const details of [{ count: 1n }, circular, "text", ["text"], new Date(0)]) {
    const error = new ArcpError("PERMISSION_DENIED", "no", { details: details as never });
    const { type, payload } = await ending({ error });
    expect(type).toBe("job.error");
    expect(payload).toMatchObject({ code: "PERMISSION_DENIED", message: "no" });
    expect(payload).not.toHaveProperty("details");
  }
});

test("R-7.3-8: an error that throws when inspected ends its job, and not the process", async () => {
  const fail = (): never => {
    throw new Error("do not look");
  };
  const { proxy, revoke } = Proxy.revocable({}, {});
  revoke();
  const errors = [
    Object.assign(new ArcpError("TIMEOUT", "x"), { message: Object.create(null) }),
    Object.defineProperty(new ArcpError("TIMEOUT", "x"), "message", { get: fail }),
    Object.assign(new ArcpError("TIMEOUT", "x"), { code: Object.create(null) }),
    proxy,
  ];
  for (const error of errors) {
    expect((await ending({ error })).payload.code).toBe("INTERNAL_ERROR");
  }
});

test("R-7.3-9: an agent's own protocol error is what its job ends with", async () => {
  const error = new ArcpError("PERMISSION_DENIED", "not this folder", {
    details: { path: "/etc" },
  });
  expect((await ending({ error })).payload).toMatchObject({
    code: "PERMISSION_DENIED",
    message: "not this folder",
    retryable: false,
    details: { path: "/etc" },
  });
});

test("R-12-2: an agent cannot make an error retryable that never is", async () => {
  const error = Object.assign(new ArcpError("LEASE_EXPIRED", "too late"), { retryable: true });
  expect((await ending({ error })).payload).toMatchObject({
    code: "LEASE_EXPIRED",
    retryable: false,
  });
});

test("R-7.3-1: an error of an agent's own class reveals only the fields of a protocol error", async () => {
  class Odd extends ArcpError {
    override toPayload() {
      return { ...super.toPayload(), final_status: "success", result: 1 };
    }
  }
  const { type, payload } = await ending({ error: new Odd("TIMEOUT", "slow") });
  expect(type).toBe("job.error");
  expect(payload).toEqual({
    final_status: "error",
    code: "TIMEOUT",
    message: "slow",
    retryable: true,
  });
});

test("R-7.3-8: any other error reveals nothing", async () => {
  for (const error of [new Error("secret"), "secret", { secret: true }, undefined, null]) {
    const { payload } = await ending({ error });
    expect(payload).toMatchObject({ code: "INTERNAL_ERROR", final_status: "error" });
    expect(JSON.stringify(payload)).not.toContain("secret");
  }
});

test("R-12-1: a code unknown to the protocol is sent only in the details", async () => {
  const error = new ArcpError("E42", "out of paper", { details: { tray: 2 } });
  expect((await ending({ error })).payload).toMatchObject({
    code: "INTERNAL_ERROR",
    message: "out of paper",
    details: { tray: 2, code: "E42" },
  });
  for (const code of Object.keys(errorCodes)) {
    expect(wireError(new ArcpError(code, "x")).code).toBe(code);
  }
});

test("R-12-2: a code that the protocol does not know is told as one that is worth a retry, whatever it says itself", async () => {
  for (const retryable of [undefined, false]) {
    const { payload } = await ending({ error: new ArcpError("E42", "no paper", { retryable }) });
    expect(payload).toMatchObject({ code: "INTERNAL_ERROR", retryable: true });
  }
});

test("a result that JSON would drop is an error, and undefined is null", async () => {
  for (const value of [() => 1, Symbol("x")]) {
    expect((await ending({ value })).payload.code).toBe("INTERNAL_ERROR");
  }
  expect((await ending({ value: undefined })).payload).toMatchObject({ result: null });
});

test("a result's own toJSON decides: undefined becomes null, and what JSON would drop is an error", async () => {
  const made = (value: unknown) => ending({ value: { toJSON: () => value } });
  for (const value of [undefined, null]) {
    expect((await made(value)).payload).toMatchObject({ final_status: "success", result: null });
  }
  expect((await made({ a: 1, toJSON: () => 2 })).payload.result).toEqual({ a: 1 });
  for (const value of [() => 1, Symbol("x")]) {
    expect((await made(value)).payload.code).toBe("INTERNAL_ERROR");
  }
  expect((await ending({ value: new Date(0) })).payload.result).toBe("1970-01-01T00:00:00.000Z");
});
