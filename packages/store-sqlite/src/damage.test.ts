import { readFileSync, writeFileSync } from "node:fs";
import { DatabaseSync } from "node:sqlite";
import { setImmediate as turn } from "node:timers/promises";
import { type JobId, ManualClock, newJobId, newSessionId } from "@arcp/core";
import type { JobQuery } from "@arcp/runtime/store";
import { afterEach, expect, test } from "vitest";
import { change, crashed as crashedIn, type Host, host as hostOn } from "../test/host.ts";
import { Scratch } from "../test/scratch.ts";
import { type Frame, Viewer } from "../test/viewer.ts";
import { sqliteStore } from "./sqlite-store.ts";

const scratch = new Scratch();
const open: AsyncDisposable[] = [];

afterEach(async () => {
  for (const runtime of open.splice(0)) await runtime[Symbol.asyncDispose]();
});

/** A process on a store file, whose jobs the test leads. */
function host(...place: Parameters<typeof hostOn>): Host {
  const hosted = hostOn(...place);
  open.push(hosted.runtime);
  return hosted;
}

/** What a crash leaves of a store, at this moment, and what damage is done to it. */
function crashed(
  before: Host,
  damage: (run: (sql: string, ...values: string[]) => void) => void,
): Promise<string> {
  return crashedIn(before, scratch, (database) =>
    damage((sql, ...values) => change(database, sql, ...values)),
  );
}

/** Bytes. */
const PAGE = 4096;

const WITHOUT = (seq: number) =>
  `DELETE FROM records WHERE place = ((SELECT key FROM logs WHERE job = ?) << 32) + ${seq}`;

const LAST_PLACE = "(SELECT (key << 32) + head FROM logs WHERE job = ?)";
const LAST_LOST = {
  "is missing": `DELETE FROM records WHERE place = ${LAST_PLACE}`,
  "is no text of ours": `UPDATE records SET text = 'nonsense' WHERE place = ${LAST_PLACE}`,
  "says no end": `UPDATE records SET text = '"id":"msg_1","payload":{"final_status":"sad"}}' WHERE place = ${LAST_PLACE}`,
  "is of no kind": `UPDATE records SET kind = 99 WHERE place = ${LAST_PLACE}`,
  "is of a kind that no number is": `UPDATE records SET kind = 1 << 60 WHERE place = ${LAST_PLACE}`,
  "is not where the log says": "UPDATE logs SET head = 1 WHERE job = ?",
} as const;

const WITHOUT_LAST = LAST_LOST["is missing"];

/** What a fresh session of alice sees of a job. */
async function history(viewer: Viewer, job_id: string): Promise<Frame> {
  return viewer.reply(viewer.send("job.subscribe", { job_id, history: true }));
}

/** A session of alice with a job that said three things and one that is whole, each `agent`'s, and one that has ended. */
async function house(agent: string) {
  const before = host(scratch.newFile());
  const owner = new Viewer(before.runtime);
  const welcome = await owner.hello();
  const [hurt, whole] = [await before.start(owner, agent), await before.start(owner, agent)];
  for (const { ctx } of [hurt, whole]) {
    for (const text of ["one", "two", "three"]) await ctx.log.info(text);
    await ctx.flush();
  }
  const { job_id: ended = "" } = await owner.submit("once", { input: "the result" });
  await owner.terminal(ended);
  await owner.find(({ event_seq }) => event_seq === 10);
  return { before, owner, welcome, hurt: hurt.id, whole: whole.id, ended };
}

async function freshSession({ runtime }: Host, token?: string) {
  const viewer = new Viewer(runtime);
  expect((await viewer.hello(token)).type).toBe("session.welcome");
  return viewer;
}

test("P3: a record is missing in the log of a live job: it ends, its history is truncated, and all others are served", async () => {
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
  // Who has seen it all goes on; who has not is told that it cannot.
  const back = new Viewer(after.runtime);
  expect((await back.resume(welcome, 2)).payload.code).toBe("RESUME_WINDOW_EXPIRED");
  const again = new Viewer(after.runtime);
  const renewed = await again.resume(welcome, 10);
  expect(renewed.type).toBe("session.welcome");
  for (const job of [hurt, whole]) await again.terminal(job);
});

test("P3: a session that comes back first, to a record that is missing, is told that it cannot go on", async () => {
  const { before, welcome, hurt } = await house("once");
  const after = host(await crashed(before, (run) => run(WITHOUT(2), hurt)));
  const back = new Viewer(after.runtime);
  await back.resume(welcome, 0);
  const { payload } = await back.find(({ type }) => type === "session.error");
  expect(payload.code).toBe("RESUME_WINDOW_EXPIRED");
  // Nothing behind the hole.
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
  "whoever asks for a finished job whose end is missing is told so, having watched it before: %s, and nobody else is concerned",
  async (live) => {
    const { before, welcome, whole, ended } = await house("once");
    const after = host(await crashed(before, (run) => run(WITHOUT_LAST, ended)));
    const viewer = await freshSession(after);
    if (live) {
      // Whoever comes across it first hears of it as of any record that is gone.
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
    // Whether its owner had read that end, nobody knows any more.
    const back = new Viewer(after.runtime);
    expect((await back.resume(welcome, 10)).payload.code).toBe("RESUME_WINDOW_EXPIRED");
    expect(after.errors().map(({ job }) => job)).toContain(ended);
  },
);

const UNREADABLE = {
  "the lease": "UPDATE jobs SET submitted = '{' WHERE id = ?",
  "what remains": "UPDATE jobs SET remaining = '{\"USD\"' WHERE id = ?",
  "the principal": "UPDATE jobs SET principal = 'alice' WHERE id = ?",
  "the input": "UPDATE jobs SET input = '{' WHERE id = ?",
  "the checkpoint": "UPDATE jobs SET checkpoint = '\"' WHERE id = ?",
  "what a checkpoint holds": `UPDATE jobs SET checkpoint = '"{"' WHERE id = ?`,
  "the shape of the lease": "UPDATE jobs SET submitted = '[]' WHERE id = ?",
  "the amount that remains": `UPDATE jobs SET remaining = '{"USD":"much"}' WHERE id = ?`,
  "the wish to cancel": "UPDATE jobs SET cancel = '7' WHERE id = ?",
  "the state": "UPDATE jobs SET status = 'sad' WHERE id = ?",
  "how often it was tried": "UPDATE jobs SET attempt = 1 << 60 WHERE id = ?",
  "when it was accepted": "UPDATE jobs SET accepted_at = 1e300 WHERE id = ?",
};

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
  "R-7.3-10: %s of a live job cannot be read, and the indexes have it: %s; it is not run again, and ends in its log",
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
    // Whose it was is damaged as well, then.
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
    // The next process has nothing left to do about it.
    const third = host(await crashed(after, () => {}));
    await freshSession(third);
    const { logs } = third.store;
    const page = await logs.read(hurt as never, 0, { records: 9, characters: 9999 });
    expect(page.records.filter(({ kind }) => kind === "terminal")).toHaveLength(1);
  },
);

test.each(["the input", "the checkpoint", "what a checkpoint holds", "the state"] as const)(
  "R-7.3-10: %s of a live job cannot be read: it is not run again, and ends; others are run again",
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
    // All else of it can be read.
    const { payload } = await owner.reply(owner.send("session.list_jobs", {}));
    expect(payload.jobs).toHaveLength(3);
    expect((await history(await freshSession(after), hurt)).payload.current_status).toBe("error");
    expect(after.errors().map(({ job }) => job)).toEqual([hurt]);
  },
);

test("a submit under the key of a job that cannot be read is refused, and not run once more", async () => {
  const before = host(scratch.newFile());
  const owner = new Viewer(before.runtime);
  await owner.hello();
  const { id } = await before.start(owner, "once", { idempotency_key: "k" });
  const file = await crashed(before, (run) => run(UNREADABLE["the lease"], id));
  const after = host(file);
  const viewer = await freshSession(after);
  const { payload } = await viewer.submit("once", { idempotency_key: "k" });
  expect(payload).toMatchObject({ code: "JOB_NOT_FOUND", details: { job_id: id } });
  expect(after.begun).toEqual([]);
});

test("R-5.4-8: a submit that is sent once more, and whose job cannot be read, is refused, and not run once more", async () => {
  const { before, owner, welcome, hurt, whole } = await house("once");
  const submitOf = (job: string): string =>
    owner.frames.find(({ type, job_id }) => type === "job.accepted" && job_id === job)?.payload
      .request_id ?? "";
  const file = await crashed(before, (run) => run(UNREADABLE["the lease"], hurt));
  const after = host(file);
  const back = new Viewer(after.runtime);
  await back.resume(welcome, 10);
  const again = (job: string) => {
    const id = submitOf(job);
    back.send("job.submit", { agent: "once", input: null }, { id });
    return back.reply(id);
  };
  expect((await again(whole)).job_id).toBe(whole);
  expect((await again(hurt)).payload).toMatchObject({
    code: "JOB_NOT_FOUND",
    details: { reason: "job_damaged", job_id: hurt },
  });
  expect(after.begun).toEqual([]);
});

test("a session that is to be told once more of a job that cannot be read cannot be resumed", async () => {
  const { before, welcome, hurt } = await house("once");
  const file = await crashed(before, (run) => run(UNREADABLE["the lease"], hurt));
  const after = host(file);
  const back = new Viewer(after.runtime);
  expect((await back.resume(welcome, 0)).payload.code).toBe("RESUME_WINDOW_EXPIRED");
});

test.each([
  ["UPDATE sessions SET features = '[' WHERE id = ?"],
  ["UPDATE attachments SET request = '\"' WHERE session = ?"],
])("%s: that session is forgotten, others resume, and its jobs can be read", async (sql) => {
  const { before, owner, welcome, hurt, ended } = await house("once");
  const neighbour = new Viewer(before.runtime);
  const other = await neighbour.hello();
  // What an owner follows from the start is in no row.
  await history(owner, hurt);
  const file = await crashed(before, (run) => run(sql, welcome.session_id ?? ""));
  const after = host(file);
  const back = new Viewer(after.runtime);
  expect((await back.resume(welcome, 10)).payload.code).toBe("RESUME_WINDOW_EXPIRED");
  expect((await new Viewer(after.runtime).resume(other, 0)).type).toBe("session.welcome");
  const viewer = await freshSession(after);
  await history(viewer, ended);
  expect((await viewer.terminal(ended)).payload.result).toBe("the result");
  expect(after.errors()).toMatchObject([{ session: welcome.session_id }]);
});

test("R-9.8-6: what a child spent that cannot be read any more stays spent, and its credentials are revoked", async () => {
  const before = host(scratch.newFile());
  const owner = new Viewer(before.runtime);
  await owner.hello();
  const lease_request = { "cost.budget": ["USD:1"], "agent.delegate": ["once"] };
  const parent = await before.start(owner, "again", { lease_request });
  const child = await parent.ctx.delegate("once", null, { lease: { "cost.budget": ["USD:0.5"] } });
  expect(await before.running(2)).toEqual([parent.id, child.id]);
  const [, work] = before.begun;
  await work?.metric({ name: "cost.search", value: 0.4, unit: "USD" });
  await work?.flush();
  const asked = await before.store.credentials.list();
  const file = await crashed(before, (run) => {
    run(UNREADABLE["what remains"], child.id);
    run(WITHOUT(1), child.id);
  });
  const account = { revoked: [] as string[] };
  const after = host(file, account);
  await freshSession(after);
  expect(await after.running()).toEqual([parent.id]);
  expect(after.begun[0]?.budget.remaining()).toEqual({ USD: "0.6" });
  for (const { alias } of asked) expect(account.revoked).toContain(alias);
});

test("whoever takes over a job that has delegated one that cannot be read gets the former alone", async () => {
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

test("a page of the file is nonsense: a job whose end it should take is over without one, and others are served", async () => {
  const before = host(scratch.newFile());
  const owner = new Viewer(before.runtime);
  const welcome = await owner.hello();
  const jobs: string[] = [];
  // The page may have something of the second one too.
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
  // Whoever waits for that end is told that it will not come.
  const back = new Viewer(after.runtime);
  expect((await back.resume(welcome, 30)).payload.code).toBe("RESUME_WINDOW_EXPIRED");
  expect(after.errors().map(({ job }) => job)).toContain(hurt);
});

test("a credential that cannot be revoked, since nobody can read where, is the operator's, and everybody is served", async () => {
  const { before } = await house("once");
  const file = await crashed(before, (run) => run("UPDATE credentials SET provisioner = '\"gate'"));
  const after = host(file);
  await freshSession(after);
  const left = await after.runtime.credentials.list();
  expect(left.map(({ state, lastFailure }) => [state, lastFailure])).toEqual(
    left.map(() => ["revoking", "UnknownProvisioner"]),
  );
  expect(left.length).toBeGreaterThan(0);
});

test.each([1, 2, 3, 7])(
  "a listing in pages of %d leaves out what cannot be read, and tells of it",
  async (limit) => {
    const file = scratch.newFile();
    const row = {
      principal: "alice",
      session: newSessionId(),
      features: [],
      agent: "a@1",
      lease: {},
      traceId: "t",
      status: "running",
    } as const;
    const ids = Array.from({ length: 7 }, () => newJobId());
    const store = sqliteStore(file);
    for (const [i, id] of ids.entries()) await store.jobs.insert({ ...row, id, acceptedAt: i });
    await store.close();
    const hurt = [0, 2, 3, 6].map((i) => ids[i] ?? newJobId());
    const database = new DatabaseSync(file);
    for (const id of hurt) database.prepare(UNREADABLE["the lease"]).run(id);
    database.close();

    const { jobs, close } = sqliteStore(file);
    const found: string[] = [];
    const damaged = new Map<string, string | undefined>();
    for (let after: JobQuery["after"]; ; ) {
      const page = await jobs.list({ limit, ...(after && { after }) }, ({ id, session }) =>
        damaged.set(id, session),
      );
      found.push(...page.map(({ id }) => id));
      after = page.at(-1);
      if (page.length < limit) break;
    }
    expect(found).toEqual(ids.filter((id) => !hurt.includes(id)));
    expect(damaged).toEqual(new Map(hurt.map((id) => [id, row.session])));
    const [first = newJobId()] = hurt;
    await expect(jobs.get(first)).rejects.toMatchObject({ name: "DamagedRow", principal: "alice" });
    await jobs.update(first, { status: "error" });
    expect(await jobs.list({ limit, statuses: ["error"] })).toEqual([]);
    await close();
  },
);

test.each(Object.entries(LAST_LOST))(
  "the last record of a finished job, and of one that runs, %s: each is told of, and nobody else is concerned",
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

test("P3: a session that only watches a job whose end is lost loses that job, once for each connection, and nothing else", async () => {
  const { before, whole, ended } = await house("once");
  const watcher = new Viewer(before.runtime);
  const welcome = await watcher.hello();
  await history(watcher, whole);
  await watcher.find(({ payload }) => payload.body?.message === "three");
  // It has read all of this one, and not said so.
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

test.each(["the lease", "the principal", "the state"] as const)(
  "R-7.2-7: a job of which %s cannot be read is removed when its time is up, and a day has passed",
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

test("a key of which the job's row is gone is not free, while the job has a log", async () => {
  const before = host(scratch.newFile());
  const owner = new Viewer(before.runtime);
  const welcome = await owner.hello();
  const { id } = await before.start(owner, "once", { idempotency_key: "k" });
  await owner.find(({ event_seq }) => event_seq === 1);
  const after = host(await crashed(before, (run) => run("DELETE FROM jobs WHERE id = ?", id)));
  // Nobody would ever tell its owner how that ends.
  expect((await new Viewer(after.runtime).resume(welcome, 1)).payload.code).toBe(
    "RESUME_WINDOW_EXPIRED",
  );
  const viewer = await freshSession(after);
  const { payload } = await viewer.submit("once", { idempotency_key: "k" });
  expect(payload).toMatchObject({ code: "JOB_NOT_FOUND", details: { job_id: id } });
  expect(after.begun).toEqual([]);
});

test("R-5.4-8: a refusal that cannot be read is none: that submit is decided once more", async () => {
  const before = host(scratch.newFile());
  const owner = new Viewer(before.runtime);
  const welcome = await owner.hello();
  const id = owner.send("job.submit", { agent: "nobody", input: null });
  const { code } = (await owner.reply(id)).payload;
  const file = await crashed(before, (run) => run(`UPDATE refusals SET reply = '"7"'`));
  const back = new Viewer(host(file).runtime);
  await back.resume(welcome, 0);
  back.send("job.submit", { agent: "nobody", input: null }, { id });
  expect((await back.reply(id)).payload.code).toBe(code);
});

test("R-14-2: a log that says to be larger than all may be takes nothing from others", async () => {
  const file = scratch.newFile();
  const [hurt, whole] = [newJobId(), newJobId()];
  const append = async (store: ReturnType<typeof sqliteStore>, job: JobId, after: number) => {
    const records = ["one", "two"].map((text) => ({ kind: "event", text }) as const);
    return store.logs.append([
      { job, after, records: after === 0 && job === hurt ? records.slice(1) : records },
    ]);
  };
  const store = sqliteStore(file);
  await append(store, hurt, 0);
  await append(store, whole, 0);
  await store.close();
  const database = new DatabaseSync(file);
  change(database, "UPDATE logs SET size = 1 << 62 WHERE job = ?", hurt);
  database.close();
  const again = sqliteStore(file);
  await append(again, whole, 2);
  expect(await again.logs.read(whole, 0, { records: 9, characters: 99 })).toMatchObject({
    floor: 0,
  });
  await again.close();
});
