import { LocalError } from "@arcp/core";
import { expect, test } from "vitest";
import { settled } from "../../test/held-store.ts";
import { hosting } from "../../test/hosting.ts";
import { Viewer } from "../../test/viewer.ts";
import { defineAgent } from "../agents/agent.ts";
import type { AgentContext } from "../agents/context.ts";

async function stalling() {
  const context = Promise.withResolvers<AgentContext>();
  const agent = defineAgent({
    name: "quiet",
    stallSec: 60,
    run(ctx) {
      context.resolve(ctx);
      return new Promise(() => {});
    },
  });
  const host = hosting({ agents: [agent] });
  const viewer = new Viewer(host.runtime);
  await viewer.hello();
  const { job_id } = await viewer.submit("quiet");
  return { ...host, viewer, job: job_id, ctx: await context.promise };
}

test("an agent that emits nothing for its stall limit is aborted, and its job ends with HEARTBEAT_LOST", async () => {
  const { clock, viewer, job, ctx } = await stalling();
  clock.advance(40_000);
  await ctx.log.info("still here");
  clock.advance(59_999);
  expect(ctx.signal.aborted).toBe(false);
  clock.advance(1);
  expect(ctx.signal.aborted).toBe(true);
  expect((await viewer.terminal(job)).payload).toMatchObject({
    code: "HEARTBEAT_LOST",
    final_status: "error",
    retryable: true,
    message: "the agent emitted nothing for 60 s",
  });
  await settled();
  // The job's retention, and the watch for idle connections.
  expect(clock.pending).toBe(2);
});

test("R-6.4-5: a session whose client is gone does not affect the stall limit", async () => {
  const { clock, viewer, ctx } = await stalling();
  viewer.sever();
  for (let minute = 0; minute < 9; minute++) {
    await settled();
    clock.advance(59_000);
    await ctx.log.info("working");
  }
  expect(ctx.signal.aborted).toBe(false);
});

test("R-7.4-2: a stall during the grace period of a cancel ends the job as cancelled", async () => {
  const { clock, viewer, job } = await stalling();
  clock.advance(50_000);
  await viewer.reply(viewer.send("job.cancel", {}, { job_id: job }));
  clock.advance(10_000);
  expect((await viewer.terminal(job)).payload.code).toBe("CANCELLED");
});

test("invalid numbers are refused when the agent is defined", () => {
  for (const rest of [
    { stallSec: 0 },
    { stallSec: Number.NaN },
    { attempts: 0 },
    { attempts: 1.5 },
  ]) {
    expect(() => defineAgent({ name: "a", ...rest, run: () => {} })).toThrow(LocalError);
  }
  defineAgent({ name: "a", attempts: Number.POSITIVE_INFINITY, run: () => {} });
});
