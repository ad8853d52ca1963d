import { setImmediate as turn } from "node:timers/promises";
import { ArcpError, LocalError, linkedPair, systemClock } from "@arcp/core";
import { createRuntime, defineAgent, tokenTable } from "@arcp/runtime";
import { expect, onTestFinished, test, vi } from "vitest";
import { ScriptedRuntime } from "../test/scripted-runtime.ts";
import { WatchedWorld } from "../test/watched-world.ts";
import { connect, type WatchedJob, type WatchOptions } from "./index.ts";
import { JobWatch } from "./job-watch.ts";

const EVERY = 2_000;
const OVERLAP = 15_000;
const HOUR = 3_600_000;
const timeout = () => new LocalError("REQUEST_TIMEOUT", "no answer");

/** A watch whose jobs are read as they come. */
function watching(world: WatchedWorld, options: WatchOptions = {}) {
  const watch = new JobWatch(world, {}, options);
  const got: string[] = [];
  const over = (async () => {
    for await (const { id } of watch) got.push(id);
  })();
  over.catch(() => {});
  /** Lets the watch look once more. @returns the jobs that it then yielded */
  const round = async (ms = EVERY): Promise<string[]> => {
    await world.idle();
    const before = got.length;
    world.clock.advance(ms);
    await world.idle();
    return got.slice(before);
  };
  const first = async (): Promise<string[]> => {
    await world.idle();
    return [...got];
  };
  return { watch, got, over, first, round };
}

test("unfinished jobs come first, then new ones, each once, and none that was over before", async () => {
  const world = new WatchedWorld();
  world.create("old", { createdAt: world.now - 9 * HOUR });
  world.create("over", { createdAt: world.now - HOUR, lasting: 0 });
  world.create("over-just-now", { createdAt: world.now - 10, lasting: 0 });
  world.create("young");
  const { first, round } = watching(world);
  expect(await first()).toEqual(["old", "young"]);
  expect(await round()).toEqual([]);
  world.create("new");
  world.create("twin");
  expect(await round()).toEqual(["new", "twin"]);
  // Long enough that everything that may be forgotten is.
  for (let i = 0; i < 30; i++) expect(await round()).toEqual([]);
  expect(world.given).toEqual(["old", "young", "new", "twin"]);
});

test("a job that begins and ends between two looks is not missed, nor one that turns up late", async () => {
  const world = new WatchedWorld();
  world.create("before-the-watch", { createdAt: world.now - 5_000, late: 100 });
  world.create("over-before-the-watch", { createdAt: world.now - 5_000, late: 100, lasting: 0 });
  const { first, round } = watching(world);
  expect(await first()).toEqual([]);
  world.create("brief", { lasting: 1 });
  world.create("slow", { late: OVERLAP - EVERY, lasting: OVERLAP });
  const { now: createdAt } = world;
  world.create("same-millisecond", { createdAt });
  // A job that turns up only now may have begun after the watch did: nobody can tell.
  expect(await round()).toEqual([
    "before-the-watch",
    "over-before-the-watch",
    "brief",
    "same-millisecond",
  ]);
  world.create("same-millisecond-too", { createdAt });
  expect(await round()).toEqual(["same-millisecond-too"]);
  const later = [];
  for (let i = 0; i < 8; i++) later.push(...(await round()));
  expect(later).toEqual(["slow"]);
});

test("a job that is gone before it could be subscribed to is skipped", async () => {
  const world = new WatchedWorld();
  for (const id of ["a", "gone", "z"]) world.create(id);
  world.fleeting.add("gone");
  const { first, round } = watching(world);
  expect(await first()).toEqual(["a", "z"]);
  world.fleeting.clear();
  expect(await round()).toEqual([]);
});

test("a temporary failure is retried, and no job that was created meanwhile is missed", async () => {
  const world = new WatchedWorld();
  world.create("a");
  const watch = new JobWatch(world, {}, {});
  expect((await watch.next()).value?.id).toBe("a");
  // In the middle of the first round: every job created since its beginning is new.
  world.fault = timeout();
  const next = watch.next();
  await world.idle();
  world.create("brief", { lasting: 1 });
  world.clock.advance(10 * OVERLAP);
  expect((await next).value?.id).toBe("brief");

  // Each kind of request in turn fails for a long time.
  const after = watch.next();
  await world.idle();
  world.create("also-brief", { lasting: 1 });
  world.clock.advance(EVERY);
  for (const error of [timeout(), new ArcpError("INTERNAL_ERROR", "too many"), timeout()]) {
    world.fault = error;
    world.clock.advance(10 * OVERLAP);
    await world.idle();
  }
  world.clock.advance(EVERY);
  expect((await after).value?.id).toBe("also-brief");
  await watch.return();
  expect(world.given).toEqual(["a", "brief", "also-brief"]);
});

test("a permanent failure ends the watch with its error", async () => {
  const world = new WatchedWorld();
  world.fault = new ArcpError("INVALID_REQUEST", "no such agent reference");
  await expect(watching(world).over).rejects.toBe(world.fault);
  expect(world.clock.pending).toBe(0);
});

test("a runtime whose clock is set back hides no job", async () => {
  const world = new WatchedWorld();
  const { first, round } = watching(world);
  await first();
  world.create("before");
  expect(await round()).toEqual(["before"]);
  world.jump(-HOUR);
  world.create("after", { lasting: 1 });
  expect(await round()).toEqual(["after"]);
  for (let i = 0; i < 30; i++) expect(await round()).toEqual([]);
  world.create("later");
  expect(await round()).toEqual(["later"]);
  world.jump(HOUR);
  world.create("much-later");
  expect(await round()).toEqual(["much-later"]);
});

test("ids are forgotten, and a slow reply brings none of them back", async () => {
  const world = new WatchedWorld();
  const { first, round, got } = watching(world);
  await first();
  const begun = world.now;
  for (let i = 0; i < 40; i++) {
    world.create(`job-${i}`, { lasting: 1 });
    await round();
  }
  expect(got).toHaveLength(40);
  // The runtime's statement of its time arrives a minute after it was made.
  const gate = Promise.withResolvers<void>();
  world.gate = gate.promise;
  world.clock.advance(EVERY);
  await new Promise((resolve) => setImmediate(resolve));
  world.clock.advance(60_000);
  gate.resolve();
  expect(await round()).toEqual([]);
  expect(got).toHaveLength(40);
  for (let i = 0; i < 20; i++) expect(await round()).toEqual([]);
  // That they were forgotten shows only when the runtime's clock goes back behind them.
  world.jump(begun + 40_000 - world.now);
  expect((await round()).length).toBeGreaterThan(10);
});

test("a signal ends it at any point, and leaves no timer and no orphaned subscription", async () => {
  const world = new WatchedWorld();
  world.create("a");
  const pausing = new AbortController();
  const paused = watching(world, { signal: pausing.signal });
  expect(await paused.first()).toEqual(["a"]);
  pausing.abort();
  await paused.over;
  expect(world.clock.pending).toBe(0);

  const gate = Promise.withResolvers<void>();
  const subscribing = new AbortController();
  const watch = new JobWatch(world, {}, { signal: subscribing.signal });
  const asked = world.asked;
  const next = watch.next();
  while (world.asked < asked + 2) await Promise.resolve();
  world.gate = gate.promise;
  while (world.asked < asked + 3) await Promise.resolve();
  subscribing.abort();
  expect(await next).toEqual({ done: true, value: undefined });
  gate.resolve();
  await new Promise((resolve) => setImmediate(resolve));
  expect([world.given, world.unsubscribed]).toEqual([["a", "a"], ["a"]]);
  expect(await new JobWatch(world, {}, { signal: subscribing.signal }).next()).toEqual({
    done: true,
    value: undefined,
  });
});

test("a signal that aborts while a job is looked at ends it there, with more jobs on the page", async () => {
  const { join } = hosted();
  const [submitter, watcher] = await Promise.all([join(), join()]);
  for (let i = 0; i < 3; i++) await submitter.submit("hang");
  const stop = new AbortController();
  const got: string[] = [];
  for await (const { id } of watcher.watch({}, { signal: stop.signal })) {
    got.push(id);
    stop.abort();
  }
  expect(got).toHaveLength(1);
  await Promise.all([submitter.close(), watcher.close()]);
});

test("a reader that leaves ends the watch and keeps its jobs, even while it waits for one", async () => {
  const world = new WatchedWorld();
  world.create("a");
  for await (const { id } of new JobWatch(world, {}, {})) {
    expect(id).toBe("a");
    break;
  }
  const watch = new JobWatch(world, {}, {});
  await watch.next();
  const waiting = watch.next();
  await world.idle();
  await watch.return();
  expect(await waiting).toEqual({ done: true, value: undefined });
  expect([world.clock.pending, world.unsubscribed]).toEqual([0, []]);
  expect(await watch.next()).toEqual({ done: true, value: undefined });
});

test("it ends with its client: quietly if that was closed, otherwise with the error that ended it", async () => {
  const world = new WatchedWorld();
  const closed = watching(world);
  await closed.first();
  world.close(new LocalError("CLOSED", "the client was closed"));
  await closed.over;
  expect(world.clock.pending).toBe(0);

  const broken = new WatchedWorld();
  const failed = watching(broken);
  await failed.first();
  // The error says that it is retryable, and yet this client has ended.
  const error = new ArcpError("UNAUTHENTICATED", "too many", { retryable: true });
  broken.close(error);
  await expect(failed.over).rejects.toBe(error);
});

test("invalid times are refused", () => {
  for (const options of [{ every: 0 }, { every: Number.NaN }, { overlap: -1 }]) {
    expect(() => new JobWatch(new WatchedWorld(), {}, options)).toThrow(LocalError);
  }
});

/** The same numbers for the same seed. */
function random(seed: number): (below: number) => number {
  let state = seed;
  return (below) => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return Math.floor((state / 2 ** 32) * below);
  };
}

test("whatever happens when, every job comes exactly once", async () => {
  for (let seed = 1; seed <= 60; seed++) {
    const world = new WatchedWorld();
    const below = random(seed);
    const { first, round, got } = watching(world);
    const expected: string[] = [];
    const create = (id: string) => {
      world.create(id, { late: below(2) * below(OVERLAP - 1), lasting: below(4_000) });
      expected.push(id);
    };
    await first();
    for (let step = 0; step < 40; step++) {
      for (let i = below(4); i > 0; i--) create(`${step}.${i}`);
      if (below(4) === 0) world.fault = timeout();
      if (below(8) === 0) world.jump(below(20_000));
      await round(EVERY + below(2) * below(40_000));
    }
    world.fault = undefined;
    for (let step = 0; step < 12; step++) await round();
    expect([seed, [...got].sort()]).toEqual([seed, expected.sort()]);
    world.close(new LocalError("CLOSED", "closed"));
  }
});

const hang = defineAgent({
  name: "hang",
  run: ({ signal }) =>
    new Promise((_, reject) => signal.addEventListener("abort", () => reject(signal.reason))),
});
const quick = defineAgent({ name: "quick", run: async (_ctx, input) => input });

function hosted() {
  const runtime = createRuntime({
    agents: [hang, quick],
    auth: tokenTable({ secret: "alice", other: "bob" }),
  });
  const ends: (() => void)[] = [];
  // The clocks of these clients are wrong by hours, each in another way.
  const join = (token = "secret", hours = 5) => {
    const clock = { ...systemClock, now: () => systemClock.now() + hours * HOUR };
    const dial = async () => {
      const pair = linkedPair();
      runtime.serve(pair.runtime);
      ends.push(pair.sever);
      return pair.client;
    };
    return connect(dial, { token, clock });
  };
  onTestFinished(() => runtime.close());
  return { join, sever: () => ends.splice(0).map((end) => end()) };
}

async function take(watch: AsyncIterator<WatchedJob>, count: number): Promise<WatchedJob[]> {
  const jobs: WatchedJob[] = [];
  while (jobs.length < count) {
    const { value, done } = await watch.next();
    if (done) throw new Error(`ended after ${jobs.length}`);
    jobs.push(value);
  }
  return jobs;
}

test("R-6.6-1, R-7.6-5: a watcher gets all jobs of its principal with their whole history, over lost connections", async () => {
  const { join, sever } = hosted();
  const [submitter, watcher, other] = await Promise.all([
    join(),
    join("secret", -7),
    join("other"),
  ]);
  const over = await submitter.submit("quick", "over");
  await over.result();
  // A job that was created in the millisecond in which a watch begins may be new to it.
  for (const now = systemClock.now(); systemClock.now() === now; ) await turn();
  const running = await submitter.submit("hang");
  await other.submit("hang");

  const watch = watcher.watch({}, { every: 5 });
  expect((await take(watch, 1)).map(({ id }) => id)).toEqual([running.id]);
  // Its own are among them too.
  const brief = await Promise.all(
    [1, 2, 3].map((i) => (i > 1 ? submitter : watcher).submit("quick", i)),
  );
  const found = await take(watch, 3);
  expect(found.map(({ id }) => id).sort()).toEqual(brief.map(({ id }) => id).sort());
  const results = await Promise.all(found.map((job) => job.result()));
  expect(results.sort()).toEqual([1, 2, 3]);

  for (let i = 0; i < 5; i++) {
    const waiting = take(watch, 1);
    sever();
    const { id } = await submitter.submit("quick", i);
    const [job] = await waiting;
    expect(job?.id).toBe(id);
    expect(await job?.result()).toBe(i);
  }
  const waiting = watch.next();
  await watcher.close();
  expect(await waiting).toEqual({ done: true, value: undefined });
  await Promise.all([submitter.close(), other.close()]);
});

test("a filter by agent is passed on, and an invalid one ends the watch", async () => {
  const { join } = hosted();
  const client = await join();
  await client.submit("hang");
  const quickly = await client.submit("quick", 7);
  const watch = client.watch({ agent: "quick" }, { every: 5 });
  const waiting = take(watch, 1);
  const again = await client.submit("quick", 8);
  const [job] = await waiting;
  expect([quickly.id, again.id]).toContain(job?.id);
  await expect(client.watch({ agent: "Not@One@" }).next()).rejects.toMatchObject({
    code: "INVALID_REQUEST",
  });
  await client.close();
  await watch.return?.();
});

test("the runtime's time is taken from its pong, and a pong without one is a protocol violation", async () => {
  const script = new ScriptedRuntime();
  const { client, wire } = await script.online();
  const watch = client.watch();
  const next = watch.next();
  const ping = await wire.next("session.ping");
  expect(ping.payload.nonce).toBe(ping.id);
  // A heartbeat's pong answers another ping.
  const pong = (nonce: string, payload: object) =>
    wire.send(
      JSON.stringify({ id: "p", type: "session.pong", payload: { ping_nonce: nonce, ...payload } }),
    );
  pong("heartbeat", { received_at: "2020-01-01T00:00:00Z" });
  pong(ping.id, {});
  await expect(next).rejects.toMatchObject({ code: "PROTOCOL_VIOLATION" });
  const { client: bare } = await new ScriptedRuntime().online({}, ["list_jobs"]);
  expect(() => bare.watch()).toThrow(/subscribe/);
});

test("watches that come and go leave nothing in their client", async () => {
  const world = new WatchedWorld();
  world.create("one");
  const then = vi.spyOn(world.over, "then");
  for (let i = 0; i < 20; i++) {
    const watch = new JobWatch(world, {}, {});
    expect((await watch.next()).done).toBe(false);
    await watch.return();
  }
  expect(then).toHaveBeenCalledTimes(1);
});
