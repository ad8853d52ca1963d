import { createHook } from "node:async_hooks";
import {
  type JobId,
  ManualClock,
  newJobId,
  newMessageId,
  newSessionId,
  newTraceId,
} from "@arcp/core";
import { describe, expect, test, vi } from "vitest";
import { settled } from "../test/held-store.ts";
import { dense, hosting } from "../test/hosting.ts";
import { Pace } from "../test/pace.ts";
import { frequencies, type Tally, tally } from "../test/tally.ts";
import { ALL_FEATURES, Viewer } from "../test/viewer.ts";
import { defineAgent } from "./agents/agent.ts";
import { Job } from "./jobs/job.ts";
import { MissedAcceptances } from "./missed-acceptances.ts";
import { Journal } from "./session/journal.ts";
import { Stream } from "./session/stream.ts";
import { SubmitLog } from "./session/submit-log.ts";
import type { JobRow, Run } from "./store/index.ts";
import { memoryStore } from "./store/memory-store.ts";

/** Every check here counts: no clock, no machine and no load affects it. */

/** What a burst of `count` events of one job costs with this many watching sessions. */
async function burst(count: number, subscribers: number, { awaited }: { awaited: boolean }) {
  const { runtime, store, start } = hosting();
  let writes = 0;
  const tap = (): void => {
    writes += 1;
  };
  const owner = new Viewer(runtime, { tap });
  await owner.hello();
  const job = await start(owner);
  const viewers: Viewer[] = [];
  for (let i = 0; i < subscribers; i++) {
    const viewer = new Viewer(runtime, { tap });
    await viewer.hello();
    await viewer.reply(viewer.send("job.subscribe", { job_id: job.id }, { job_id: job.id }));
    viewers.push(viewer);
  }
  await job.ctx.log.info("the runs are open");
  await settled();
  const counted = tally(store);
  writes = 0;
  const stringify = vi.spyOn(JSON, "stringify");
  for (let i = 0; i < count; i++) {
    const accepted = job.ctx.log.info("event");
    if (awaited) await accepted;
  }
  await settled(count / 8);
  const stringified = stringify.mock.calls.length;
  stringify.mockRestore();
  for (const viewer of [owner, ...viewers]) {
    expect(viewer.stream.at(-1)?.job_seq).toBe(count + 2);
  }
  return { ...counted, stringified, writes, calls: frequencies(counted.calls) };
}

describe("a burst of events", () => {
  test("serialises and appends each record once, however many sessions watch", async () => {
    for (const subscribers of [0, 1, 20]) {
      const { stringified, appended } = await burst(2_000, subscribers, { awaited: true });
      expect([subscribers, stringified, appended]).toEqual([subscribers, 2_000, 2_000]);
    }
  });

  test("adds no row to the store for any event because of a subscriber", async () => {
    const watched = await burst(2_000, 20, { awaited: true });
    expect(watched.rows).toBe(0);
    expect(Object.keys(watched.calls).sort()).toEqual(["logs.append", "logs.read"]);
    const alone = await burst(2_000, 0, { awaited: true });
    expect(watched.calls["logs.append"]).toBe(alone.calls["logs.append"]);
  });

  test("J4: reaches the store 256 records at a time if awaited, and leaves in as many writes", async () => {
    for (const count of [1_000, 10_000]) {
      const { calls, writes } = await burst(count, 0, { awaited: true });
      const turns = Math.ceil(count / 256);
      expect(calls["logs.append"]).toBeLessThanOrEqual(turns + 1);
      expect(calls["logs.append"]).toBeGreaterThanOrEqual(turns);
      expect(writes).toBeLessThanOrEqual(turns + 2);
      expect(calls["logs.read"]).toBeLessThanOrEqual(2 * turns + 2);
    }
  });

  test("J4: reaches the store 1,024 records at a time if not awaited, and is read a page at a time", async () => {
    const { calls, writes } = await burst(4_000, 0, { awaited: false });
    expect(calls).toMatchObject({ "logs.append": Math.ceil(4_000 / 1024) });
    expect(calls["logs.read"]).toBeLessThanOrEqual(2 * Math.ceil(4_000 / 256) + 2);
    expect(writes).toBeLessThanOrEqual(Math.ceil(4_000 / 256) + 1);
  });

  test("creates no promise per event, except that of its await", async () => {
    const promised = async (count: number, awaited: boolean): Promise<number> => {
      const { runtime, start } = hosting();
      const owner = new Viewer(runtime);
      await owner.hello();
      const job = await start(owner);
      // A reader creates promises too, so there is none.
      owner.sever();
      await settled();
      let promises = 0;
      const init = (_id: number, type: string): void => {
        if (type === "PROMISE") promises += 1;
      };
      const hook = createHook({ init }).enable();
      for (let i = 0; i < count; i++) {
        const accepted = job.ctx.log.info("event");
        if (awaited) await accepted;
      }
      hook.disable();
      await job.ctx.flush();
      return promises;
    };
    // Those of the next turn and of the next room in the backlog.
    expect(await promised(4_000, false)).toBeLessThanOrEqual(2);
    for (const count of [1_000, 10_000]) {
      const turns = Math.ceil(count / 256);
      expect(await promised(count, true)).toBeLessThanOrEqual(count + 16 * turns);
    }
  });
});

const quick = defineAgent({ name: "quick", run: () => "done" });

/** A host with this many finished jobs and one session that submits, with nothing left to do. */
async function worn(finished: number, keyed: boolean) {
  const hosted = hosting({ agents: [quick] });
  const viewer = new Viewer(hosted.runtime);
  await viewer.hello([...ALL_FEATURES, "list_jobs"]);
  let key = 0;
  const submit = async (): Promise<string> => {
    key += 1;
    const more = keyed ? { idempotency_key: `key ${key}` } : {};
    const { job_id = "" } = await viewer.submit("quick", null, more);
    await viewer.terminal(job_id);
    // Frames already seen are dropped: the test itself must not grow with the history.
    viewer.frames.length = 0;
    return job_id;
  };
  for (let i = 0; i < finished; i++) await submit();
  await settled();
  return { ...hosted, viewer, submit };
}

describe.each([[false], [true]])("a submit with an idempotency key: %j", (keyed) => {
  test("makes the same store calls after 10 finished jobs and after 5,000", async () => {
    const costs: Tally[] = [];
    for (const finished of [10, 5_000]) {
      const { store, submit } = await worn(finished, keyed);
      const counted = tally(store);
      await submit();
      await settled();
      costs.push(counted);
    }
    const [first, last] = costs;
    expect(last).toEqual(first);
    expect(first?.listed).toBe(0);
    expect(first?.calls.length).toBeLessThanOrEqual(keyed ? 16 : 14);
  });
});

/** A row that counts every access to its properties. */
function watchedRow(index: number, looks: { count: number }, given: Partial<JobRow> = {}): JobRow {
  const row: JobRow = {
    id: `job_${`${index}`.padStart(6, "0")}` as JobId,
    principal: "alice",
    session: newSessionId(),
    features: [],
    request: newMessageId(),
    agent: "research@1.0.0",
    lease: {},
    traceId: newTraceId(),
    acceptedAt: index,
    status: "success",
    finishedAt: index,
    ...given,
  };
  return new Proxy(row, {
    get(target, key) {
      looks.count += 1;
      return Reflect.get(target, key);
    },
    ownKeys(target) {
      looks.count += 1;
      return Reflect.ownKeys(target);
    },
  });
}

describe("a page of a listing", () => {
  test("R-6.6-4: makes the same store calls, however many jobs there are", async () => {
    const costs: Tally[] = [];
    for (const finished of [20, 2_000]) {
      const { store, viewer } = await worn(finished, false);
      const counted = tally(store);
      await viewer.reply(viewer.send("session.list_jobs", { limit: 10 }));
      costs.push(counted);
    }
    expect(costs[1]).toEqual(costs[0]);
    expect(frequencies(costs[0]?.calls ?? [])).toEqual({ "jobs.list": 1, "logs.read": 11 });
  });

  test("J4, R-6.6-5: reads no more large rows than fit, and all of them page by page", async () => {
    const { runtime, store } = hosting({ agents: [quick] });
    const viewer = new Viewer(runtime);
    await viewer.hello([...ALL_FEATURES, "list_jobs"]);
    const lease_request = { "tool.call": dense(100).map((n) => `${n}`.padEnd(1_000, "x")) };
    const jobs: (string | undefined)[] = [];
    for (let i = 0; i < 60; i++) {
      const { job_id } = await viewer.submit("quick", null, { lease_request });
      await viewer.terminal(job_id);
      jobs.push(job_id);
    }
    const counted = tally(store);
    const found: string[] = [];
    for (let cursor: string | null | undefined; cursor !== null; ) {
      counted.listed = 0;
      const asked = viewer.send("session.list_jobs", { limit: 1_000, ...(cursor && { cursor }) });
      const { payload } = await viewer.reply(asked);
      found.push(...payload.jobs.map(({ job_id }: { job_id: string }) => job_id));
      expect(counted.listed).toBeLessThanOrEqual(32);
      cursor = payload.next_cursor as string | null;
    }
    expect(found).toEqual(jobs.sort());
  });

  const hers = { principal: "alice", session: newSessionId(), parent: newJobId() };
  test.each([{ principal: hers.principal }, { session: hers.session }, { parent: hers.parent }])(
    "looks only at the rows of the page in memory, not at earlier, later or other sessions' rows: %o",
    async (query) => {
      const costs: number[] = [];
      for (const total of [100, 10_000]) {
        const { jobs } = memoryStore();
        const looks = { count: 0 };
        for (let i = 0; i < total; i++) await jobs.insert(watchedRow(i, looks, hers));
        // Another principal's rows lie between two of hers.
        const others = { principal: "bob", acceptedAt: total / 2 + 0.5 };
        for (let i = 0; i < total; i++) await jobs.insert(watchedRow(total + i, looks, others));
        looks.count = 0;
        const middle = {
          acceptedAt: total / 2,
          id: `job_${`${total / 2}`.padStart(6, "0")}` as JobId,
        };
        const rows = await jobs.list({ ...query, after: middle, limit: 10 });
        expect(rows.map(({ acceptedAt }) => acceptedAt)).toEqual(dense(10, total / 2 + 1));
        costs.push(looks.count);
      }
      const [few = 0, many = 0] = costs;
      // A hundred times as many rows are seven more steps of a search.
      expect(many - few).toBeLessThanOrEqual(7 * 4);
    },
  );
});

describe("an adoption", () => {
  const lease = { lease_request: { "agent.delegate": ["*"] } };
  const keyed = { idempotency_key: "family", ...lease };

  /**
   * The cost of an adoption by a session with this many jobs, of a job that has delegated this many and lost records of
   * its log.
   */
  async function adoption(owned: number, children: number) {
    const noisy = defineAgent({
      name: "noisy",
      async run(ctx) {
        for (let i = 0; i < 8; i++) await ctx.log.info("event");
      },
    });
    const { runtime, store, clock, start } = hosting({
      agents: [quick, noisy],
      logLimits: { records: 4 },
      limits: { retentionSec: 10_000 },
    });
    const [owner, heir] = [new Viewer(runtime), new Viewer(runtime)];
    await owner.hello();
    await heir.hello();
    const parent = await start(owner, keyed);
    for (let i = 0; i < children; i++) {
      await parent.ctx.delegate("noisy");
      await settled();
    }
    owner.sever();
    await settled();
    clock.advance(600_000);
    for (let i = 0; i < owned; i++) await heir.submit("quick");
    await settled();
    const counted = tally(store);
    const turns: number[] = [];
    let isOver = false;
    const count = (): void => {
      turns.push(frequencies(counted.calls.splice(0))["jobs.get"] ?? 0);
      if (!isOver) setImmediate(count);
    };
    setImmediate(count);
    await heir.submit("led", null, keyed);
    await settled(children);
    isOver = true;
    const told = heir.frames.filter(({ payload }) => payload.parent_job_id === parent.id);
    expect(told).toHaveLength(children);
    return { listed: counted.listed, most: Math.max(...turns) };
  }

  test("R-7.2-8: lists only the family, however much its new owner has", async () => {
    const [many, few] = [await adoption(500, 2), await adoption(5, 2)];
    expect(many.listed).toBe(few.listed);
  });

  test("R-7.2-8: lists each of the family once for its owner and once for announcing it", async () => {
    for (const children of [10, 200]) {
      expect((await adoption(0, children)).listed).toBe(2 * children);
    }
  });

  test("J4: announces a large family over many turns", async () => {
    expect((await adoption(0, 600)).most).toBeLessThan(300);
  });
});

describe("a resume", () => {
  /** What it costs to come back to this many events, `missed` of them unseen. */
  async function resumed(issued: number, missed: number) {
    const { runtime, store, start } = hosting();
    const owner = new Viewer(runtime);
    const welcome = await owner.hello();
    const job = await start(owner);
    for (let i = 1; i < issued; i++) await job.ctx.log.info("event");
    await settled(issued / 64);
    expect(owner.stream).toHaveLength(issued);
    owner.sever();
    await settled();
    const counted = tally(store);
    let writes = 0;
    const tap = (): void => {
      writes += 1;
    };
    const back = new Viewer(runtime, { tap });
    await back.resume(welcome, issued - missed);
    await settled(missed);
    expect(back.seqs).toEqual(dense(missed, issued - missed + 1));
    return { ...counted, writes };
  }

  test("R-6.3-10: costs what was missed, not what was ever issued", async () => {
    const young = await resumed(1_000, 300);
    const old = await resumed(10_000, 300);
    expect(old).toEqual(young);
    expect(young.read).toBeLessThanOrEqual(300 + 2);
    expect(young.writes).toBeLessThanOrEqual(2 + Math.ceil(300 / 256) + 1);
    const further = await resumed(10_000, 3_000);
    expect(further.read).toBeLessThanOrEqual(3_000 + 2);
    expect(further.calls.length - old.calls.length).toBeLessThanOrEqual(2 * (2_700 / 256) + 2);
  });
});

describe("a resume of a session with many jobs", () => {
  test("R-6.3-8: takes a write for hundreds of events, even if jobs took turns", async () => {
    const { runtime, start } = hosting();
    const owner = new Viewer(runtime);
    const welcome = await owner.hello();
    const jobs = [await start(owner), await start(owner), await start(owner)];
    for (let i = 1; i <= 200; i++) {
      for (const { ctx } of jobs) {
        await ctx.log.info(`event ${i}`);
        await settled();
      }
    }
    const { seqs, stream } = owner;
    owner.sever();
    await settled();
    let writes = 0;
    const tap = (): void => {
      writes += 1;
    };
    const back = new Viewer(runtime, { tap });
    await back.resume(welcome, 0);
    await settled();
    expect(back.seqs).toEqual(seqs);
    expect(back.stream.map(({ id }) => id)).toEqual(stream.map(({ id }) => id));
    expect(writes).toBeLessThanOrEqual(2 + Math.ceil(seqs.length / 256) + jobs.length);
  });

  test("J4: is prepared over many turns", async () => {
    const { runtime, store } = hosting({ agents: [quick] });
    const owner = new Viewer(runtime);
    const welcome = await owner.hello();
    // What the first ones said is only in the store.
    const jobs = dense(1_400);
    for (const _ of jobs) await owner.terminal((await owner.submit("quick")).job_id);
    owner.sever();
    await settled();
    const pace = new Pace();
    const { get } = store.jobs;
    store.jobs.get = (id) => {
      pace.count();
      return get(id);
    };
    const { read } = store.logs;
    store.logs.read = (...asked) => {
      pace.count();
      return read(...asked);
    };
    const back = new Viewer(runtime);
    await back.resume(welcome, 0);
    const { all, most } = pace.end();
    await settled();
    expect(back.frames.filter(({ type }) => type === "job.accepted")).toHaveLength(jobs.length);
    expect(all).toBeGreaterThanOrEqual(jobs.length + 400);
    expect(most).toBeLessThanOrEqual(128);
  });

  test("R-6.3-8: looks at each run a few times, however many runs one job has", () => {
    const looksPerRun = (count: number): number => {
      const looks = { count: 0 };
      const { sessions } = memoryStore();
      const host = {
        store: sessions,
        failed: (_: unknown, error: unknown) => expect.fail(`${error}`),
      };
      const session = newSessionId();
      const stream = new Stream({ session, features: new Set(), epoch: 1, host });
      // Two jobs that it watches take turns.
      const jobs = [newJobId(), newJobId()] as const;
      const runs = dense(count).map((n) => {
        const job = jobs[n % 2] ?? jobs[0];
        return watchedRun({ from: n, job, jobFrom: n, role: "observer" }, looks);
      });
      stream.journal.open(runs);
      stream.journal.issue(count);
      looks.count = 0;
      new MissedAcceptances({ stream, submits: new SubmitLog() }, 0).list();
      return looks.count / count;
    };
    expect(looksPerRun(4_096)).toBeLessThanOrEqual(looksPerRun(64));
  });
});

/** A run that counts every access to its properties. */
function watchedRun(run: Run, looks: { count: number }): Run {
  return new Proxy(run, {
    get(target, key) {
      looks.count += 1;
      return Reflect.get(target, key);
    },
  });
}

describe("what a session asks of its journal", () => {
  function journal(jobs: number) {
    const looks = { count: 0 };
    const runs = dense(jobs).map((n) => {
      const job = `job_${n}` as JobId;
      return watchedRun({ from: 3 * n - 2, job, jobFrom: 1, role: "owner" }, looks);
    });
    const held = new Journal(runs);
    const issued = 3 * jobs;
    const looksOf = (ask: () => unknown): number => {
      looks.count = 0;
      ask();
      return looks.count;
    };
    return { held, issued, looksOf, last: `job_${jobs}` as JobId, first: "job_1" as JobId };
  }

  const questions: ReadonlyArray<
    [name: string, ask: (given: ReturnType<typeof journal>) => unknown]
  > = [
    ["what may be continued", ({ held }) => held.current],
    [
      "a further run",
      ({ held, issued, last }) =>
        held.open([{ from: issued + 1, job: last, jobFrom: 4, role: "owner" }]),
    ],
    ["what a number means", ({ held, issued }) => held.origin(issued - 30)],
    ["how far a job was read", ({ held, first }) => held.reached(first)],
    ["the last number of a job", ({ held, first }) => held.lastNumber(first)],
    ["what was missed", ({ held, issued }) => [...held.spans(issued - 30, issued)]],
    ["whose numbers were missed", ({ held, issued }) => [...held.runs(issued - 30, issued)]],
    ["as whom a job was read", ({ held, issued, first }) => held.roleUpTo(first, issued)],
  ];

  test.each(questions)("%s: costs the same however many jobs the journal holds", (_name, ask) => {
    const short = journal(64);
    const long = journal(8_192);
    const [few, many] = [short, long].map((given) => given.looksOf(() => ask(given)));
    // A hundred and twenty-eight times as many runs are seven more steps of a search, for each number that is looked up.
    expect((many ?? 0) - (few ?? 0)).toBeLessThanOrEqual(7 * 12);
  });
});

describe("a session that comes or goes", () => {
  /** How many running jobs are asked for their session. */
  async function asked(jobs: number): Promise<number> {
    const { runtime, clock, start } = hosting({ limits: { sessionsPerPrincipal: 3 } });
    const owner = new Viewer(runtime);
    await owner.hello();
    for (let i = 0; i < jobs; i++) await start(owner);
    const open = async (): Promise<Viewer> => {
      const viewer = new Viewer(runtime);
      expect((await viewer.hello()).type).toBe("session.welcome");
      return viewer;
    };
    const ofOwner = vi.spyOn(Job.prototype, "session", "get");
    const ofSubmitter = vi.spyOn(Job.prototype, "submittedIn", "get");
    try {
      // From the third on, each takes the place of one that is forgotten.
      for (let i = 0; i < 4; i++) {
        (await open()).sever();
        await settled();
      }
      clock.advance(600_000);
      await settled();
      expect(runtime.sessions.count()).toMatchObject({ connected: 1, parked: 0 });
      return ofOwner.mock.calls.length + ofSubmitter.mock.calls.length;
    } finally {
      ofOwner.mockRestore();
      ofSubmitter.mockRestore();
    }
  }

  test("R-14-1: asks the same number of jobs, however many run", async () => {
    expect(await asked(20)).toBe(await asked(2));
  });
});

describe("a session that does nothing", () => {
  /** A clock that counts its timers. */
  class CountingClock extends ManualClock {
    timers = 0;
    override after(ms: number, fire: () => void) {
      this.timers += 1;
      return super.after(ms, fire);
    }
  }

  test("R-6.4-1: costs the store nothing, and the clock one timer per heartbeat", async () => {
    const SESSIONS = 50;
    const TICKS = 10;
    const clock = new CountingClock();
    const { runtime, store } = hosting({ clock, limits: { heartbeatIntervalSec: 20 } });
    const idle = [];
    for (const features of [ALL_FEATURES, ["heartbeat", ...ALL_FEATURES]]) {
      for (let i = 0; i < SESSIONS; i++) {
        const viewer = new Viewer(runtime);
        await viewer.hello(features, i % 2 === 0 ? "secret" : "other");
        idle.push(viewer);
      }
    }
    await settled();
    const counted = tally(store);
    expect(runtime.sessions.count()).toMatchObject({ connected: 2 * SESSIONS });
    for (let tick = 0; tick < TICKS; tick++) {
      const before = idle.map(({ frames }) => frames.length);
      clock.timers = 0;
      clock.advance(20_000);
      await settled(2);
      for (const [i, viewer] of idle.entries()) {
        for (const { type, payload } of viewer.frames.slice(before[i])) {
          expect(type).toBe("session.ping");
          viewer.send("session.pong", { ping_nonce: payload.nonce });
        }
      }
      await settled(2);
      // Sessions with heartbeats have one timer each at a time; the others have none.
      expect(clock.timers).toBe(SESSIONS);
    }
    expect(counted.calls).toEqual([]);
    expect(runtime.sessions.count()).toMatchObject({ connected: 2 * SESSIONS });
  });
});
