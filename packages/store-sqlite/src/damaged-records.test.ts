import { readFileSync, writeFileSync } from "node:fs";
import { expect, test } from "vitest";
import {
  damagedHouses,
  freshSession,
  history,
  LAST_LOST,
  WITHOUT,
  WITHOUT_LAST,
} from "../test/damaged-house.ts";
import { Viewer } from "../test/viewer.ts";

const { scratch, host, crashed, house } = damagedHouses();

/** In bytes. */
const PAGE = 4096;

test("P3: a live job whose log misses a record ends, its history is truncated, and all others are served", async () => {
  const { before, welcome, hurt, whole, ended } = await house("once");
  const after = host(await crashed(before, (run) => run(WITHOUT(2), hurt)));
  const viewer = await freshSession(after);
  expect((await history(viewer, hurt)).payload).toMatchObject({
    truncated: true,
    current_status: "error",
  });
  expect((await viewer.terminal(hurt)).payload).toMatchObject({
    code: "INTERNAL_ERROR",
    retryable: true,
  });
  expect((await history(viewer, whole)).payload).not.toHaveProperty("truncated");
  expect((await history(viewer, ended)).payload).not.toHaveProperty("truncated");
  expect((await viewer.terminal(ended)).payload.result).toBe("the result");
  expect(after.errors()).toMatchObject([
    { job: hurt, err: { message: expect.stringContaining(`record 2 of ${hurt} is missing`) } },
  ]);
  // A client that has seen everything goes on; one that has not is told that it cannot.
  const back = new Viewer(after.runtime);
  expect((await back.resume(welcome, 2)).payload.code).toBe("RESUME_WINDOW_EXPIRED");
  const again = new Viewer(after.runtime);
  const renewed = await again.resume(welcome, 10);
  expect(renewed.type).toBe("session.welcome");
  for (const job of [hurt, whole]) await again.terminal(job);
});

test("P3: a session that is the first to come to a missing record on its resume is told that it cannot go on", async () => {
  const { before, welcome, hurt } = await house("once");
  const after = host(await crashed(before, (run) => run(WITHOUT(2), hurt)));
  const back = new Viewer(after.runtime);
  await back.resume(welcome, 0);
  const { payload } = await back.find(({ type }) => type === "session.error");
  expect(payload.code).toBe("RESUME_WINDOW_EXPIRED");
  // Nothing from behind the gap.
  const seen = back.stream.filter(({ job_id }) => job_id === hurt);
  expect(seen.length).toBeLessThan(2);
  await freshSession(after);
});

test("R-7.3-10: a job whose last record is missing is not run again, and ends; others are run again", async () => {
  const { before, hurt, whole } = await house("again");
  const file = await crashed(before, (run) => run(WITHOUT_LAST, hurt));
  const after = host(file);
  const viewer = await freshSession(after);
  expect((await history(viewer, hurt)).payload.truncated).toBe(true);
  expect((await viewer.terminal(hurt)).payload).toMatchObject({
    code: "INTERNAL_ERROR",
    final_status: "error",
    retryable: true,
    details: { reason: "job_damaged", job_id: hurt },
  });
  expect(await after.running()).toEqual([whole]);
  const { payload } = await viewer.reply(viewer.send("session.list_jobs", {}));
  expect(payload.jobs).toHaveLength(3);
});

test.each([false, true])(
  "whoever asks for a finished job whose end is missing is told so (subscribed before: %s), and nobody else is affected",
  async (live) => {
    const { before, welcome, whole, ended } = await house("once");
    const after = host(await crashed(before, (run) => run(WITHOUT_LAST, ended)));
    const viewer = await freshSession(after);
    if (live) {
      // The first to come across it is told as of any missing record.
      await viewer.reply(viewer.send("job.subscribe", { job_id: ended }));
      const { payload } = await viewer.find(({ type }) => type === "session.error");
      expect(payload).toMatchObject({ code: "RESUME_WINDOW_EXPIRED" });
    }
    expect((await history(viewer, ended)).payload).toMatchObject({
      code: "JOB_NOT_FOUND",
      message: expect.stringContaining(ended),
      details: { reason: "job_damaged", job_id: ended },
    });
    const { payload } = await viewer.reply(viewer.send("job.subscribe", { job_id: whole }));
    expect(payload.job_id).toBe(whole);
    // Nobody can tell any more whether its owner had read that end.
    const back = new Viewer(after.runtime);
    expect((await back.resume(welcome, 10)).payload.code).toBe("RESUME_WINDOW_EXPIRED");
    expect(after.errors().map(({ job }) => job)).toContain(ended);
  },
);

test("a job whose end cannot be appended because of a garbage page is over without one, and others are served", async () => {
  const before = host(scratch.newFile());
  const owner = new Viewer(before.runtime);
  const welcome = await owner.hello();
  const jobs: string[] = [];
  // The page may hold something of the second one too.
  for (const agent of ["again", "once", "again"]) {
    const { id, ctx } = await before.start(owner, agent);
    jobs.push(id);
    for (let i = 0; i < 9; i++) await ctx.log.info(`${i}`.repeat(3000));
    await ctx.flush();
  }
  const [hurt = "", , whole = ""] = jobs;
  await owner.find(({ event_seq }) => event_seq === 30);
  const file = await crashed(before, () => {});
  const bytes = readFileSync(file);
  const page = Math.floor(bytes.indexOf("8".repeat(3000)) / PAGE) * PAGE;
  writeFileSync(file, bytes.fill(0, page, page + PAGE));

  const after = host(file);
  const viewer = await freshSession(after);
  expect(await after.running()).toEqual([whole]);
  expect((await history(viewer, hurt)).payload).toMatchObject({
    code: "JOB_NOT_FOUND",
    details: { reason: "job_damaged", job_id: hurt },
  });
  expect((await history(viewer, whole)).payload).toMatchObject({ job_id: whole });
  const { payload } = await viewer.reply(viewer.send("session.list_jobs", {}));
  expect(payload.jobs).toMatchObject([
    { job_id: hurt, status: "error" },
    { status: "error" },
    { job_id: whole, status: "running" },
  ]);
  // A client that waits for that end is told that it will not come.
  const back = new Viewer(after.runtime);
  expect((await back.resume(welcome, 30)).payload.code).toBe("RESUME_WINDOW_EXPIRED");
  expect(after.errors().map(({ job }) => job)).toContain(hurt);
});

test.each(Object.entries(LAST_LOST))(
  "the last record of a finished job and of a running one %s: each damage is reported, and nobody else is affected",
  async (_, sql) => {
    const { before, hurt, whole, ended } = await house("again");
    const file = await crashed(before, (run) => {
      run(sql, ended);
      run(sql, hurt);
    });
    const after = host(file);
    const viewer = await freshSession(after);
    expect(await after.running()).toEqual([whole]);
    const { payload } = await history(viewer, ended);
    expect(payload).toMatchObject({
      code: "JOB_NOT_FOUND",
      details: { reason: "job_damaged", job_id: ended },
    });
    const asked = await viewer.reply(viewer.send("job.cancel", {}, { job_id: ended }));
    expect(asked.payload.code).not.toBe("INTERNAL_ERROR");
    expect((await history(viewer, whole)).payload).not.toHaveProperty("truncated");
    expect(after.errors().map(({ job }) => job)).toEqual(expect.arrayContaining([hurt, ended]));
  },
);

test("P3: a session that watches a job whose end is lost loses that job alone, once per connection", async () => {
  const { before, whole, ended } = await house("once");
  const watcher = new Viewer(before.runtime);
  const welcome = await watcher.hello();
  await history(watcher, whole);
  await watcher.find(({ payload }) => payload.body?.message === "three");
  // It has read all of this job, without acknowledging it.
  const request = watcher.send("job.subscribe", { job_id: ended, history: true });
  await watcher.terminal(ended);
  const file = await crashed(before, (run) => {
    run(WITHOUT_LAST, ended);
    run(
      "INSERT OR REPLACE INTO attachments (session, job, role, after, since, request) VALUES (?, ?, 'observer', 0, 4, ?)",
      welcome.session_id ?? "",
      ended,
      JSON.stringify(request),
    );
  });
  const after = host(file);
  for (let i = 0; i < 2; i++) {
    const back = new Viewer(after.runtime);
    expect((await back.resume(welcome, 6)).type).toBe("session.welcome");
    const told = await back.find(({ type }) => type === "session.error");
    expect(told.payload).toMatchObject({ code: "RESUME_WINDOW_EXPIRED", request_id: request });
    if (i === 0) await back.terminal(whole);
    expect(back.stream.map(({ job_id }) => job_id)).not.toContain(ended);
  }
  expect(after.errors()).toContainEqual(
    expect.objectContaining({ job: ended, session: welcome.session_id }),
  );
});
