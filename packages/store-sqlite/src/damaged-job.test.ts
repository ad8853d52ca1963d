import { setImmediate as turn } from "node:timers/promises";
import { type JobId, ManualClock } from "@arcp/core";
import { expect, test } from "vitest";
import { damagedHouses, freshSession, history, UNREADABLE } from "../test/damaged-house.ts";
import { Viewer } from "../test/viewer.ts";

const { scratch, host, crashed, house } = damagedHouses();

test.each([
  ["the lease", false],
  ["what remains", false],
  ["what remains", true],
  ["the principal", true],
  ["the shape of the lease", false],
  ["the amount that remains", true],
  ["the wish to cancel", false],
  ["how often it was tried", false],
  ["how often it was tried", true],
  ["when it was accepted", true],
] as const)(
  "R-7.3-10, R-11-4: a live job of which %s is unreadable (indexed: %s) is not run again, and ends in its log",
  async (part, indexed) => {
    const { before, welcome, hurt, whole } = await house("again");
    const file = await crashed(before, (run) => {
      run(UNREADABLE[part], hurt);
      if (indexed) run("UPDATE jobs SET indexed = 1");
    });
    const after = host(file);
    const viewer = await freshSession(after);
    const asked = await viewer.reply(viewer.send("job.subscribe", { job_id: hurt }));
    expect(asked.payload.code).toBe("JOB_NOT_FOUND");
    // Then its principal is unreadable as well.
    const reason = part === "the principal" ? undefined : "job_damaged";
    expect(asked.payload.details?.reason).toBe(reason);
    const stranger = await freshSession(after, "other");
    const refused = await stranger.reply(stranger.send("job.cancel", {}, { job_id: hurt }));
    expect(refused.payload.code).toBe("JOB_NOT_FOUND");
    expect(refused.payload.details).toBeUndefined();
    const { payload } = await viewer.reply(viewer.send("session.list_jobs", {}));
    expect(payload.jobs).toHaveLength(2);
    expect(await after.running()).toEqual([whole]);
    expect(after.errors()).toMatchObject([
      { job: hurt, err: { message: expect.stringContaining(`the job ${hurt} cannot be read`) } },
    ]);
    const owner = new Viewer(after.runtime);
    await owner.resume(welcome, 10);
    expect((await owner.terminal(hurt)).payload).toMatchObject({
      code: "INTERNAL_ERROR",
      retryable: true,
    });
    // Nothing is left to do for the next process.
    const third = host(await crashed(after, () => {}));
    await freshSession(third);
    const { logs } = third.store;
    const page = await logs.read(hurt as never, 0, { records: 9, characters: 9999 });
    expect(page.records.filter(({ kind }) => kind === "terminal")).toHaveLength(1);
    // The row would say which trace the job has (R-11-4); its log does as well.
    const traces = page.records.map(({ text }) => /"trace_id":"(\w{32})"/.exec(`${text}`)?.[1]);
    expect(traces.length).toBeGreaterThan(1);
    expect(new Set(traces).size).toBe(1);
  },
);

test.each(["the input", "the checkpoint", "what a checkpoint holds", "the state"] as const)(
  "R-7.3-10: a live job of which %s is unreadable is not run again, and ends; others are run again",
  async (part) => {
    const { before, welcome, hurt, whole } = await house("again");
    const after = host(await crashed(before, (run) => run(UNREADABLE[part], hurt)));
    const owner = new Viewer(after.runtime);
    await owner.resume(welcome, 10);
    expect((await owner.terminal(hurt)).payload).toMatchObject({
      code: "INTERNAL_ERROR",
      details: { reason: "job_damaged", job_id: hurt },
    });
    expect(await after.running()).toEqual([whole]);
    // The rest of it can be read.
    const { payload } = await owner.reply(owner.send("session.list_jobs", {}));
    expect(payload.jobs).toHaveLength(3);
    expect((await history(await freshSession(after), hurt)).payload.current_status).toBe("error");
    expect(after.errors().map(({ job }) => job)).toEqual([hurt]);
  },
);

test("a new owner of a job gets it without its unreadable child", async () => {
  const before = host(scratch.newFile());
  const owner = new Viewer(before.runtime);
  const welcome = await owner.hello();
  const asked = { idempotency_key: "k", lease_request: { "agent.delegate": ["once"] } };
  const parent = await before.start(owner, "once", asked);
  const child = await parent.ctx.delegate("once", null);
  await parent.ctx.flush();
  const file = await crashed(before, (run) => {
    run(UNREADABLE["the lease"], child.id);
    run("UPDATE sessions SET features = '[' WHERE id = ?", welcome.session_id ?? "");
  });
  const after = host(file);
  const heir = await freshSession(after);
  expect((await heir.submit("once", asked)).payload.job_id).toBe(parent.id);
  await heir.terminal(parent.id);
  const told = heir.stream.map(({ payload }) => payload.body?.child_job_id);
  expect(told).toContain(child.id);
  expect(heir.frames.map(({ type }) => type)).not.toContain("session.error");
});

test.each(["the lease", "the principal", "the state"] as const)(
  "R-7.2-7: a job of which %s is unreadable is removed once its retention and a day have passed",
  async (part) => {
    const { before, hurt, ended } = await house("once");
    const file = await crashed(before, (run) => {
      for (const job of [hurt, ended]) run(UNREADABLE[part], job);
    });
    const clock = new ManualClock(Date.now());
    const after = host(file, undefined, { clock, limits: { retentionSec: 60 } });
    await freshSession(after);
    const { logs, jobs } = after.store;
    const left = async (): Promise<number> => {
      const asked = [hurt, ended].flatMap((job) => [
        logs.read(job as JobId, 0, { records: 0, characters: 0 }).then(({ head }) => head > 0),
        jobs.get(job as JobId).then(Boolean, () => true),
      ]);
      return (await Promise.all(asked)).filter(Boolean).length;
    };
    clock.advance(23 * 60 * 60 * 1000);
    expect(await left()).toBe(4);
    for (let hours = 0; hours < 4 && (await left()) > 0; hours++) {
      clock.advance(60 * 60 * 1000);
      for (let turns = 0; turns < 50; turns++) await turn();
    }
    expect(await left()).toBe(0);
  },
);
