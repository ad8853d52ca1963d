import { setImmediate as turn } from "node:timers/promises";
import { ManualClock } from "@arcp/core";
import { createRuntime, defineAgent, tokenTable } from "@arcp/runtime";
import { afterAll, expect, test } from "vitest";
import { HeldFile } from "../test/held-file.ts";
import { Scratch } from "../test/scratch.ts";
import { Viewer } from "../test/viewer.ts";
import { openDatabase } from "./database-file.ts";
import { storeOn } from "./sqlite-store.ts";

const scratch = new Scratch();
afterAll(() => scratch[Symbol.dispose]());

test("J2, R-7.1-2: while the disk hangs, nothing that waits for it is reported or started, and everyone else goes on", async () => {
  const disk = new HeldFile();
  disk.free();
  const began: unknown[] = [];
  const shown: unknown[] = [];
  const steps = defineAgent({
    name: "steps",
    async run(ctx, input) {
      began.push(input);
      await ctx.log.info("one");
      return ctx.tools.call("look", { at: input });
    },
  });
  const runtime = createRuntime({
    agents: [steps],
    tools: {
      look: (args) => {
        shown.push(args);
        return "seen";
      },
    },
    auth: tokenTable({ secret: "alice" }),
    store: storeOn(openDatabase(scratch.newFile(), undefined, () => disk)),
    clock: new ManualClock(),
  });
  const [owner, other] = [new Viewer(runtime), new Viewer(runtime)];
  await Promise.all([owner.hello(), other.hello()]);
  const lease = { lease_request: { "tool.call": ["look"] } };

  disk.hang();
  const before = owner.frames.length;
  const submitted = owner.submit("steps", { input: 1, ...lease });
  while (disk.held === 0) await turn();
  const listing = other.reply(other.send("session.list_jobs", { limit: 10 }));
  // Whoever does not depend on it is answered, as often as they ask.
  for (let nonce = 1; nonce <= 3; nonce++) {
    other.send("session.ping", { nonce: `${nonce}`, sent_at: new Date().toISOString() });
    await other.find(
      ({ type, payload }) => type === "session.pong" && payload.ping_nonce === `${nonce}`,
    );
  }
  expect(disk.held).toBe(1);
  expect([owner.frames.length - before, began]).toEqual([0, []]);
  expect(other.frames.some(({ type }) => type === "session.jobs")).toBe(false);

  disk.release();
  const { type, job_id } = await submitted;
  expect([type, began]).toEqual(["job.accepted", [1]]);
  expect((await listing).payload.jobs).toMatchObject([{ job_id }]);
  // The agent's events, and the tool that it calls, wait for the disk as well.
  while (disk.held === 0) await turn();
  for (let i = 0; i < 8; i++) await turn();
  expect([owner.stream, shown]).toEqual([[], []]);
  disk.free();
  const { payload } = await owner.terminal(job_id);
  expect([payload.result, shown]).toEqual(["seen", [{ at: 1 }]]);
  for (const viewer of [owner, other]) viewer.close();
  await runtime.close();
});
