import { expect, test } from "vitest";
import { FakeUpstream } from "../../test/fake-upstream.ts";
import { hosting } from "../../test/hosting.ts";
import { hosts } from "../../test/hosts.ts";
import { type Frame, Viewer } from "../../test/viewer.ts";

const generic = "an unexpected error occurred: see the runtime's log";

/** How a job ends on the wire when its agent ends like this, where the operator shows error details. */
async function ending(how: { value?: unknown } | { error: unknown }): Promise<Frame> {
  const { runtime, start } = hosting({ showErrorDetails: true });
  const viewer = new Viewer(runtime);
  await viewer.hello();
  const job = await start(viewer);
  if ("error" in how) job.fail(how.error);
  else job.end(how.value);
  return viewer.terminal(job.id);
}

const caused = (cause: unknown) => new TypeError("fetch failed", { cause });
const refused = Object.assign(new AggregateError([]), { code: "ECONNREFUSED" });
const loop = new Error("loop");
loop.cause = loop;

test.each([
  ["an error", new Error("no such table: socks"), "no such table: socks"],
  ["its causes", caused(new Error("connect ECONNREFUSED")), "fetch failed: connect ECONNREFUSED"],
  ["a cause without words", caused(refused), "fetch failed: AggregateError ECONNREFUSED"],
  ["a cause that is a text", caused("offline"), "fetch failed: offline"],
  ["an error that is its own cause", loop, "loop: loop: loop: loop"],
  ["a text", "out of socks", "out of socks"],
  ["nothing", undefined, generic],
  ["an object", { secret: true }, generic],
])("R-7.3-8: with error details, clients are told of %s", async (_, error, message) => {
  expect((await ending({ error })).payload).toEqual({
    final_status: "error",
    code: "INTERNAL_ERROR",
    message,
    retryable: true,
  });
});

test("R-7.3-8, R-12-1: error details are cut like any message, contain no stack, and may be unreadable", async () => {
  const long = (await ending({ error: new Error("x".repeat(10_000)) })).payload.message;
  expect(long).toHaveLength(2048);
  const { payload } = await ending({ error: new Error("broken") });
  expect(JSON.stringify(payload)).not.toMatch(/\bat .*:\d+/);
  const unreadable = Object.defineProperty(new Error(), "message", {
    get: () => {
      throw new Error("do not look");
    },
  });
  const { proxy, revoke } = Proxy.revocable({}, {});
  revoke();
  for (const error of [unreadable, proxy]) {
    expect((await ending({ error })).payload.message).toBe(generic);
  }
});

test("R-7.3-8: with error details, clients are told why a result could not be sent", async () => {
  expect((await ending({ value: 1n })).payload.message).toMatch(
    /^what the agent ended with is not JSON: .*BigInt/,
  );
  expect((await ending({ value: new Map([[1, 2]]) })).payload.message).toMatch(
    /^the agent's result, .*, would arrive empty/,
  );
});

test("R-7.3-8: what a tool throws is told to its agent and on the stream, in detail where the operator shows details", async () => {
  for (const showErrorDetails of [true, false]) {
    const tools = { broken: () => Promise.reject(new Error("the disk is full")) };
    const { runtime, start } = hosting({ showErrorDetails, tools });
    const viewer = new Viewer(runtime);
    await viewer.hello();
    const job = await start(viewer, { lease_request: { "tool.call": ["*"] } });
    const error = await job.ctx.tools.call("broken").catch((thrown: unknown) => thrown);
    const told = {
      code: "INTERNAL_ERROR",
      message: showErrorDetails ? "the disk is full" : generic,
      retryable: true,
    };
    expect(error).toMatchObject(told);
    job.fail(error);
    expect((await viewer.terminal(job.id)).payload).toMatchObject(told);
    const shown = viewer.stream.find(({ payload }) => payload.kind === "tool_result");
    expect(shown?.payload.body.error).toMatchObject(told);
  }
});

test("R-7.3-8, R-9.8-10: error details contain no secret of the job, not even a truncated one", async () => {
  const upstream = new FakeUpstream();
  const { start, submit } = hosts({ provisioners: { llm: upstream }, showErrorDetails: true });
  const viewer = new Viewer(start(), { peer: { address: "127.0.0.1", loopback: true } });
  await viewer.hello(["provisioned_credentials"]);
  for (const before of ["", "x".repeat(2_030)]) {
    const { id, end } = await submit(viewer);
    const [value = ""] = upstream.values.slice(-1);
    end(Promise.reject(new Error(`${before}bad key ${value}`)));
    const { message } = (await viewer.terminal(id)).payload;
    expect(message).toBe(`${before}bad key [redacted]`);
  }
});
