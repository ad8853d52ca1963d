import { expect, test } from "vitest";
import { hosting } from "../../test/hosting.ts";
import { ALL_FEATURES, Viewer } from "../../test/viewer.ts";

test("R-7.4-7, R-7.7-1: once the owning session is gone, its principal may cancel, and nobody else who may observe the job", async () => {
  const { runtime, start } = hosting({ policy: { mayObserve: () => true } });
  const owner = new Viewer(runtime);
  const { session_id } = await owner.hello();
  const { id: job_id, ctx } = await start(owner);
  await runtime.sessions.end(`${session_id}`);
  const other = new Viewer(runtime);
  await other.hello(ALL_FEATURES, "other");
  await other.reply(other.send("job.subscribe", { job_id }));
  const refused = await other.reply(other.send("job.cancel", { job_id }));
  expect(refused.payload).toMatchObject({ code: "PERMISSION_DENIED", job_id });
  expect(ctx.signal.aborted).toBe(false);
  const again = new Viewer(runtime);
  await again.hello();
  const cancelled = await again.reply(again.send("job.cancel", { job_id }));
  expect(cancelled.type).toBe("job.cancelled");
  expect(ctx.signal.aborted).toBe(true);
});
