import type { SessionId } from "@arcp/core";
import { expect, test } from "vitest";
import { settled } from "../../test/held-store.ts";
import { dense, hosting } from "../../test/hosting.ts";
import { ALL_FEATURES, type Frame, Viewer } from "../../test/viewer.ts";
import { defineAgent } from "../agents/agent.ts";

const WINDOW = 600_000;
const ping = (viewer: Viewer) =>
  viewer.send("session.ping", { nonce: "n", sent_at: new Date(0).toISOString() });

test("R-6.3-7: confirming a later token voids the earlier one, which does not disturb the later one's holder", async () => {
  const { runtime } = hosting();
  const first = new Viewer(runtime);
  const welcome = await first.hello();
  ping(first);
  await settled();
  first.sever();
  const second = new Viewer(runtime);
  const again = await second.resume(welcome, 0);
  ping(second);
  await settled();
  const thief = new Viewer(runtime);
  expect((await thief.resume(welcome, 0)).payload.code).toBe("RESUME_WINDOW_EXPIRED");
  ping(second);
  expect(await second.find(({ type }) => type === "session.pong")).toBeDefined();
  second.sever();
  expect((await new Viewer(runtime).resume(again, 0)).type).toBe("session.welcome");
});

test("R-6.3-7: a lost welcome strands nobody: the token before it still resumes", async () => {
  const { runtime } = hosting();
  let viewer = new Viewer(runtime);
  const welcome = await viewer.hello();
  for (let i = 0; i < 12; i++) {
    viewer.sever();
    viewer = new Viewer(runtime);
    expect((await viewer.resume(welcome, 0)).type).toBe("session.welcome");
  }
});

test("R-6.3-7: a token that is voided while its resume waits for the store takes nothing over", async () => {
  const { runtime, store, start } = hosting();
  const first = new Viewer(runtime);
  const welcome = await first.hello();
  await start(first);
  await settled();
  first.sever();
  const owner = new Viewer(runtime);
  await owner.resume(welcome, 1);
  await settled();
  // The look-up has found the token; what it needs of the log is still being read.
  store.held.reads.hold();
  const thief = new Viewer(runtime);
  const refused = thief.resume(welcome, 0);
  await settled();
  expect(store.held.reads.waiting).toBe(1);
  ping(owner);
  await settled();
  await store.held.reads.open();
  expect((await refused).payload.code).toBe("RESUME_WINDOW_EXPIRED");
  await settled();
  ping(owner);
  expect(owner.frames.some(({ type }) => type === "session.error")).toBe(false);
});

test("R-6.3-5: a bad token, another principal and an unknown session get the same refusal; the owner resumes", async () => {
  const { runtime } = hosting();
  const viewer = new Viewer(runtime);
  const welcome = await viewer.hello();
  viewer.sever();
  const resume = (rest: object, token = "secret") => {
    const attempt = new Viewer(runtime);
    attempt.send("session.resume", {
      auth: { scheme: "bearer", token },
      resume_token: welcome.payload.resume_token,
      last_event_seq: 0,
      ...rest,
    });
    return attempt;
  };
  const attempts = [
    resume({ resume_token: "rt_guessed" }),
    resume({}, "other"),
    resume({ session_id: "sess_unknown" }),
    resume({ last_event_seq: 1 }),
  ];
  const answers = new Set<string>();
  for (const attempt of attempts) {
    const { type, payload } = await attempt.find(() => true);
    answers.add(JSON.stringify({ type, payload: { ...payload, request_id: "" } }));
    expect(await attempt.ended).toMatchObject({ reason: "refused" });
  }
  expect(answers.size).toBe(1);
  expect((await new Viewer(runtime).resume(welcome, 0)).type).toBe("session.welcome");
});

test("R-6.3-11: the window counts from the loss of the connection, and is not running while there is one", async () => {
  const { runtime, clock } = hosting();
  let viewer = new Viewer(runtime);
  let welcome: Frame = await viewer.hello();
  clock.advance(10 * WINDOW);
  for (let i = 0; i < 3; i++) {
    viewer.sever();
    await settled();
    clock.advance(WINDOW - 1);
    viewer = new Viewer(runtime);
    welcome = await viewer.resume(welcome, 0);
    expect(welcome.type).toBe("session.welcome");
  }
  viewer.sever();
  await settled();
  clock.advance(WINDOW);
  await settled();
  const late = new Viewer(runtime);
  expect((await late.resume(welcome, 0)).payload.code).toBe("RESUME_WINDOW_EXPIRED");
});

test("R-6.3-11: a window that ends during its session's claim refuses the resume, and leaves nothing half done", async () => {
  const { runtime, store, clock, start } = hosting();
  const viewer = new Viewer(runtime);
  const welcome = await viewer.hello();
  const job = await start(viewer);
  await settled();
  viewer.sever();
  await settled();
  clock.advance(WINDOW - 1);
  const { claim } = store.sessions;
  const answered = Promise.withResolvers<void>();
  store.sessions.claim = async (...args) => {
    const outcome = await claim(...args);
    await answered.promise;
    return outcome;
  };
  const again = new Viewer(runtime);
  const resumed = again.resume(welcome, 0);
  await settled();
  clock.advance(1);
  await settled();
  answered.resolve();
  expect((await resumed).payload.code).toBe("RESUME_WINDOW_EXPIRED");
  expect(await again.ended).toMatchObject({ reason: "refused" });
  // The job goes on without it (R-6.3-18).
  await job.ctx.log.info("on");
  expect(job.ctx.signal.aborted).toBe(false);
});

test("R-6.3-18: what translates a session's numbers is removed with the last of session and jobs, in either order", async () => {
  for (const first of ["session", "job"]) {
    const { runtime, store, clock, start } = hosting({ limits: { retentionSec: 1 } });
    const viewer = new Viewer(runtime);
    const { session_id = "" } = await viewer.hello();
    const job = await start(viewer);
    await settled();
    const runs = () => store.sessions.runs(session_id as never);
    const leave = async () => {
      viewer.sever();
      await settled();
      clock.advance(WINDOW);
      await settled();
    };
    const finish = async () => {
      job.end("done");
      await settled();
      clock.advance(1000);
      await settled();
    };
    await (first === "session" ? leave() : finish());
    expect(await runs()).not.toEqual([]);
    await (first === "session" ? finish() : leave());
    expect(await runs()).toEqual([]);
  }
});

test.each(["session", "job"])(
  "R-6.3-18: what translates a session's numbers is removed with the last %s, even if the store fails briefly",
  async (last) => {
    const { runtime, store, clock, start } = hosting({ limits: { retentionSec: 1 } });
    const viewer = new Viewer(runtime);
    const { session_id = "" } = await viewer.hello();
    const job = await start(viewer);
    await settled();
    viewer.sever();
    await settled();
    if (last === "job") clock.advance(WINDOW);
    await settled();
    job.end("done");
    await settled();
    const { list } = store.jobs;
    const { removeRuns } = store.sessions;
    let faults = 0;
    const fail = () => {
      faults += 1;
      return Promise.reject(new Error("disk full"));
    };
    store.jobs.list = () => {
      store.jobs.list = list;
      return fail();
    };
    store.sessions.removeRuns = () => {
      store.sessions.removeRuns = removeRuns;
      return fail();
    };
    for (const ms of [last === "job" ? 1000 : WINDOW, 20, 20]) {
      clock.advance(ms);
      await settled();
    }
    expect(faults).toBe(2);
    expect(await store.sessions.runs(session_id as never)).toEqual([]);
  },
);

test("R-6.3-18: an observer that submitted nothing leaves no runs behind", async () => {
  const { runtime, store, clock, start } = hosting();
  const owner = new Viewer(runtime);
  await owner.hello();
  const job = await start(owner);
  const observer = new Viewer(runtime);
  const { session_id = "" } = await observer.hello();
  const { id: job_id } = job;
  observer.send("job.subscribe", { job_id, history: true }, { job_id });
  await settled();
  expect(observer.seqs).toEqual(dense(1));
  observer.sever();
  await settled();
  clock.advance(WINDOW);
  await settled();
  expect(await store.sessions.runs(session_id as never)).toEqual([]);
});

test("R-6.3-18, R-6.6-7: a session is forgotten even if the store fails briefly, and its numbers keep their meaning", async () => {
  const { runtime, store, clock, start } = hosting();
  const viewer = new Viewer(runtime);
  const { session_id = "" } = await viewer.hello();
  const { ctx } = await start(viewer);
  await ctx.log.info("on");
  await ctx.flush();
  await settled();
  viewer.sever();
  await settled();
  const { commit, forget } = store.sessions;
  store.sessions.commit = () => {
    store.sessions.commit = commit;
    return Promise.reject(new Error("disk full"));
  };
  store.sessions.forget = () => {
    store.sessions.forget = forget;
    return Promise.reject(new Error("disk full"));
  };
  const other = new Viewer(runtime);
  await other.hello([...ALL_FEATURES, "list_jobs"]);
  for (const ms of [WINDOW, 20, 20]) {
    clock.advance(ms);
    await settled();
    const { payload } = await other.reply(other.send("session.list_jobs", {}));
    expect(payload.jobs).toMatchObject([{ last_event_seq: 2 }]);
  }
  expect(await store.sessions.get(session_id as never)).toBeUndefined();
});

test("R-6.3-18: a session is forgotten once the store accepts that, however long it has refused it", async () => {
  const { runtime, store, clock, start } = hosting();
  const [viewer, watcher] = [new Viewer(runtime), new Viewer(runtime)];
  await viewer.hello();
  const { session_id = "" } = await watcher.hello();
  const { id: job_id } = await start(viewer);
  await watcher.reply(watcher.send("job.subscribe", { job_id, history: true }, { job_id }));
  await settled();
  watcher.sever();
  await settled();
  const id = session_id as SessionId;
  expect(await store.sessions.runs(id)).toHaveLength(1);
  const { commit, forget, removeRuns } = store.sessions;
  const busy = () => Promise.reject(new Error("disk full"));
  Object.assign(store.sessions, { commit: busy, forget: busy, removeRuns: busy });
  clock.advance(WINDOW);
  const wait = async () => {
    for (let i = 0; i < 10; i++) {
      await settled();
      clock.advance(1000);
    }
  };
  for (const call of [{ commit }, { forget }, { removeRuns }]) {
    await wait();
    expect(await store.sessions.runs(id)).not.toEqual([]);
    Object.assign(store.sessions, call);
  }
  await wait();
  expect(await store.sessions.get(id)).toBeUndefined();
  expect(await store.sessions.runs(id)).toEqual([]);
});

test("P5, R-6.3-18: a session is forgotten even if the store did not say that it was resumed last", async () => {
  const { runtime, store, clock, start } = hosting();
  const viewer = new Viewer(runtime);
  const welcome = await viewer.hello();
  await start(viewer);
  await settled();
  viewer.sever();
  await settled();
  const { claim, get } = store.sessions;
  store.sessions.claim = async (...claimed) => {
    await claim(...claimed);
    throw new Error("the connection to the store is lost");
  };
  store.sessions.get = () => Promise.reject(new Error("the store does not answer"));
  const refused = await new Viewer(runtime).resume(welcome, 0);
  expect(refused.payload.code).toBe("INTERNAL_ERROR");
  Object.assign(store.sessions, { claim, get });
  clock.advance(WINDOW);
  await settled();
  expect(await store.sessions.get(welcome.session_id as SessionId)).toBeUndefined();
});

test("P5: a session that another runtime has taken over is left to it, and not erased", async () => {
  const { runtime, store, clock, start } = hosting();
  const viewer = new Viewer(runtime);
  const { session_id } = await viewer.hello();
  await start(viewer);
  await settled();
  viewer.sever();
  await settled();
  const id = session_id as SessionId;
  expect(await store.sessions.claim(id, 1, ["theirs"])).toBe("committed");
  for (let i = 0; i < 10; i++) {
    clock.advance(WINDOW);
    await settled();
  }
  expect(await store.sessions.get(id)).toMatchObject({ epoch: 2, tokens: ["theirs"] });
  expect(runtime.sessions.get(id)).toBeUndefined();
});

test("a store that fails in work that nobody awaits ends no process and no job", async () => {
  const { runtime, store, clock, start } = hosting();
  const rejected: unknown[] = [];
  const note = (error: unknown) => void rejected.push(error);
  process.on("unhandledRejection", note);
  const { commit } = store.sessions;
  store.sessions.commit = async (id, epoch, change) => {
    const aside = change.attach ?? change.detach ?? change.tokens;
    if (aside !== undefined) throw new Error("disk full");
    return commit(id, epoch, change);
  };
  store.sessions.forget = () => Promise.reject(new Error("disk full"));
  const viewer = new Viewer(runtime);
  const welcome = await viewer.hello();
  const job = await start(viewer);
  await job.ctx.log.info("on");
  viewer.sever();
  const again = new Viewer(runtime);
  await again.resume(welcome, 0);
  ping(again);
  job.end("done");
  expect((await again.terminal(job.id)).payload.result).toBe("done");
  await settled();
  again.sever();
  await settled();
  clock.advance(WINDOW);
  await settled();
  process.off("unhandledRejection", note);
  expect(rejected).toEqual([]);
});

for (const way of ["is ended", "runs out"]) {
  test(`R-14-3, R-6.3-18: a session that ${way} while its submit is being stored no longer holds the job`, async () => {
    const quick = defineAgent({ name: "quick", run: async () => "done" });
    const limits = { retentionSec: 60, resumeWindowSec: 60 };
    const { runtime, store, clock } = hosting({ agents: [quick], limits });
    const viewer = new Viewer(runtime);
    const { session_id = "" } = await viewer.hello();
    await settled();
    store.held.jobs.hold();
    viewer.send("job.submit", { agent: "quick", input: null });
    await settled();
    if (way === "is ended") {
      await runtime.sessions.end(session_id);
    } else {
      viewer.sever();
      await settled();
      clock.advance(61_000);
    }
    await settled();
    await store.held.jobs.open();
    const [job] = await store.jobs.list({ limit: 10 });
    expect(job?.session).toBe(session_id);
    for (let i = 0; i < 10; i++) {
      clock.advance(10_000);
      await settled(3);
    }
    expect(await store.jobs.list({ limit: 10 })).toEqual([]);
  });
}

test("R-14-3: a session that is gone holds no job, even if its last subscription could not be stored", async () => {
  const { runtime, store, clock, start } = hosting({ limits: { retentionSec: 1 } });
  const [owner, watcher] = [new Viewer(runtime), new Viewer(runtime)];
  await owner.hello();
  const { session_id = "" } = await watcher.hello();
  const job = await start(owner);
  const named = { job_id: job.id };
  await watcher.reply(watcher.send("job.subscribe", named, named));
  const { commit } = store.sessions;
  const failed = Promise.withResolvers<never>();
  store.sessions.commit = (id, epoch, change) =>
    change.attach === undefined ? commit(id, epoch, change) : failed.promise;
  watcher.send("job.subscribe", { ...named, history: true }, named);
  await settled();
  await runtime.sessions.end(session_id);
  failed.reject(new Error("no answer"));
  await settled();
  job.end();
  await owner.terminal(job.id);
  for (let passed = 0; passed < 2 * WINDOW; passed += 10_000) {
    clock.advance(10_000);
    await settled(2);
  }
  expect(await runtime.jobs.get(job.id)).toBeUndefined();
});

test("R-14-1: a session with an unanswered submit is not given up for a new one", async () => {
  const rig = hosting({ limits: { sessionsPerPrincipal: 1 } });
  const first = new Viewer(rig.runtime);
  const welcome = await first.hello();
  rig.store.held.jobs.hold();
  first.send("job.submit", { agent: "led" });
  await settled();
  first.sever();
  await settled();
  const { payload } = await new Viewer(rig.runtime).hello();
  expect(payload.details).toEqual({ reason: "sessions_per_principal" });
  await rig.store.held.jobs.open();
  const back = new Viewer(rig.runtime);
  expect((await back.resume(welcome, 0)).type).toBe("session.welcome");
  expect((await back.find(({ type }) => type === "job.accepted")).job_id).toBeDefined();
});
