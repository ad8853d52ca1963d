import { TRACE_CONTEXT } from "@arcp/core";
import { expect, expectTypeOf, test } from "vitest";
import { ScriptedRuntime } from "../test/scripted-runtime.ts";
import type { SubmitOptions } from "./index.ts";

const ID = "9f2c41d07be84a6392d5e8b1c03f7a64";
const traceparent = `00-${ID}-00f067aa0ba902b7-01`;

async function sent(traceContext?: SubmitOptions["traceContext"]) {
  const { client, wire } = await new ScriptedRuntime().online();
  void client.submit("echo", null, traceContext && { traceContext });
  const { trace_id, extensions } = await wire.next("job.submit");
  return { trace_id, extensions };
}

test("R-11-1, R-11-3: the trace of a submit is its id, with its whole context beside it", async () => {
  const traceContext = { traceparent, tracestate: "acme=1" };
  expect(await sent(traceContext)).toEqual({
    trace_id: ID,
    extensions: { [TRACE_CONTEXT]: traceContext },
  });
  expect(await sent({ traceparent: traceparent.toUpperCase() })).toEqual({
    trace_id: ID,
    extensions: { [TRACE_CONTEXT]: { traceparent } },
  });
});

test("R-11-2: without a usable trace the submit carries none", async () => {
  const none = { trace_id: undefined, extensions: undefined };
  expect(await sent()).toEqual(none);
  expect(await sent({})).toEqual(none);
  expect(await sent({ tracestate: "acme=1" })).toEqual(none);
  expect(await sent({ traceparent: `00-${"0".repeat(32)}-00f067aa0ba902b7-01` })).toEqual(none);
  expect(await sent({ traceparent: "garbage" })).toEqual(none);
});

test("a carrier that a propagator fills is a trace context", () => {
  expectTypeOf<Record<string, string>>().toExtend<NonNullable<SubmitOptions["traceContext"]>>();
});

test("an invalid limit is refused, and so is what JSON would drop from the submit", async () => {
  const { client, wire } = await new ScriptedRuntime().online();
  for (const maxRuntimeSec of [-1, 0, 1.5, Number.POSITIVE_INFINITY]) {
    await expect(client.submit("echo", null, { maxRuntimeSec })).rejects.toMatchObject({
      code: "MISUSE",
      message: `maxRuntimeSec must be a whole number from 1, not ${maxRuntimeSec}`,
    });
  }
  for (const input of [() => 1, Symbol("s")]) {
    await expect(client.submit("echo", input)).rejects.toMatchObject({
      code: "MISUSE",
      message: "the input is not JSON",
    });
  }
  await wire.barrier();
});

test("a limit that is not a number is refused, since JSON would turn it into no limit", async () => {
  const { client, wire } = await new ScriptedRuntime().online();
  const misuse = (name: string) => ({
    code: "MISUSE",
    message: expect.stringMatching(new RegExp(`^${name} must be`)),
  });
  const submitting = client.submit("echo", null, { maxRuntimeSec: Number("10 min") });
  await expect(submitting).rejects.toMatchObject(misuse("maxRuntimeSec"));
  const fromJobSeq = Number.NaN;
  await expect(client.job("job_1", { fromJobSeq })).rejects.toMatchObject(misuse("fromJobSeq"));
  await expect(client.subscribe("job_1", { fromJobSeq })).rejects.toMatchObject(
    misuse("fromJobSeq"),
  );
  await wire.barrier();
});
