import { formatTimestamp } from "@arcp/core";
import { pino } from "pino";
import { expect, test } from "vitest";
import { hosting } from "../../test/hosting.ts";
import { ALL_FEATURES, Viewer } from "../../test/viewer.ts";

async function logged() {
  const lines: { msg: string }[] = [];
  const write = (line: string) => void lines.push(JSON.parse(line));
  const host = hosting({ logger: pino({ level: "error" }, { write }) });
  const viewer = new Viewer(host.runtime);
  await viewer.hello([...ALL_FEATURES, "lease_expires_at"]);
  return { ...host, viewer, lines };
}

test.each([
  ["TIMEOUT", () => ({ max_runtime_sec: 60 })],
  ["LEASE_EXPIRED", (at: string) => ({ lease_constraints: { expires_at: at } })],
])("the reason of an agent's signal is what ended its job: %s", async (code, limits) => {
  const { clock, viewer, start } = await logged();
  const job = await start(viewer, limits(formatTimestamp(clock.now() + 60_000)));
  const { signal } = job.ctx;
  clock.advance(60_000);
  const { payload } = await viewer.terminal(job.id);
  expect(payload.code).toBe(code);
  expect(signal.reason).toMatchObject({ code, message: payload.message });
});

test("an agent that throws what its signal made something throw has stopped, and not failed", async () => {
  const { viewer, start, lines } = await logged();
  const job = await start(viewer);
  const { signal } = job.ctx;
  await viewer.reply(viewer.send("job.cancel", {}, { job_id: job.id }));
  job.fail(
    new DOMException("The operation was aborted", { name: "AbortError", cause: signal.reason }),
  );
  expect((await viewer.terminal(job.id)).payload.code).toBe("CANCELLED");
  expect(lines).toEqual([]);
});

test.each([
  ["an abort that nobody asked for", false, new DOMException("aborted", "AbortError")],
  ["another error while it stops", true, new TypeError("not a function")],
])("an agent that throws %s has failed", async (_, told, error) => {
  const { viewer, start, lines } = await logged();
  const job = await start(viewer);
  if (told) await viewer.reply(viewer.send("job.cancel", {}, { job_id: job.id }));
  job.fail(error);
  await viewer.terminal(job.id);
  expect(lines.map(({ msg }) => msg)).toEqual(["an agent failed"]);
});
