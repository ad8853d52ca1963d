import { expect, test } from "vitest";
import { damage } from "../test/damaging.ts";
import { crashed, type Host, host } from "../test/host.ts";
import { Scratch } from "../test/scratch.ts";
import { type Frame, Viewer } from "../test/viewer.ts";

/** Set SEEDS for more. */
const SEEDS = Array.from({ length: Number(process.env["SEEDS"] ?? 40) }, (_, i) => i + 1);

/** A seeded generator of random numbers. */
function chance(seed: number): (below: number) => number {
  let state = seed * 0x9e3779b9;
  return (below) => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) % below;
  };
}

const LEASE = { "cost.budget": ["USD:1"], "agent.delegate": ["once"] };

/** A process with jobs of every kind, and a neighbour's jobs, which the damage must not affect. */
async function busy(file: string) {
  const before = host(file);
  const owner = new Viewer(before.runtime);
  const welcome = await owner.hello();
  const watcher = new Viewer(before.runtime);
  const watching = await watcher.hello();
  const neighbour = new Viewer(before.runtime);
  const other = await neighbour.hello("other");
  const jobs: string[] = [];
  for (const [agent, rest] of [
    ["again", { lease_request: LEASE, idempotency_key: "a" }],
    ["once", { idempotency_key: "b" }],
    ["again", {}],
  ] as const) {
    const { id, ctx } = await before.start(owner, agent, rest);
    jobs.push(id);
    for (const text of ["one", "two", "three"]) await ctx.log.info(text);
    await ctx.checkpoint({ text: "so far" });
    if (agent === "again" && "lease_request" in rest) {
      await ctx.metric({ name: "cost.search", value: 0.4, unit: "USD" });
      jobs.push((await ctx.delegate("once", null)).id);
    }
    await ctx.flush();
    await watcher.reply(watcher.send("job.subscribe", { job_id: id, history: true }));
  }
  for (const key of ["c", undefined]) {
    const asked = { input: "done", ...(key && { idempotency_key: key }) };
    const { job_id = "" } = await owner.submit("once", asked);
    await owner.terminal(job_id);
    jobs.push(job_id);
  }
  await owner.submit("nobody");
  const whole = await before.start(neighbour, "again");
  await whole.ctx.log.info("mine");
  await whole.ctx.flush();
  const { job_id: ended = "" } = await neighbour.submit("once", { input: "the result" });
  await neighbour.terminal(ended);
  const spared = { whole: whole.id, ended, session: other.session_id ?? "" };
  return { before, welcome, watching, other, jobs, spared };
}

type House = Awaited<ReturnType<typeof busy>>;

/** The answer is one that a client can act on. */
function expectAnswer({ payload }: Frame): void {
  expect(payload.code, payload.message).not.toBe("INTERNAL_ERROR");
}

async function tryEverything(after: Host, { welcome, watching, other, jobs, spared }: House) {
  const back = new Viewer(after.runtime);
  expect((await back.resume(other, 0, "other")).type).toBe("session.welcome");
  expect((await back.terminal(spared.ended)).payload.result).toBe("the result");
  const neighbour = new Viewer(after.runtime);
  expect((await neighbour.hello("other")).type).toBe("session.welcome");
  const ask = (viewer: Viewer, job_id: string, history = true) =>
    viewer.reply(viewer.send("job.subscribe", { job_id, history }));
  const { payload } = await ask(neighbour, spared.whole);
  expect(payload).toMatchObject({ current_status: "running", replayed: true });
  expect(payload).not.toHaveProperty("truncated");
  await neighbour.find(({ payload: said }) => said.body?.message === "mine");
  const listed = await neighbour.reply(neighbour.send("session.list_jobs", {}));
  // Jobs accepted in the same millisecond are in any order.
  const states = listed.payload.jobs.map((job: Record<string, string>) => [
    job["job_id"],
    job["status"],
  ]);
  expect(new Map(states)).toEqual(
    new Map([
      [spared.whole, "running"],
      [spared.ended, "success"],
    ]),
  );
  for (const parked of [welcome, watching]) {
    for (const seen of [0, 5]) expectAnswer(await new Viewer(after.runtime).resume(parked, seen));
  }
  const viewer = new Viewer(after.runtime);
  await viewer.hello();
  expect((await viewer.reply(viewer.send("session.list_jobs", {}))).type).toBe("session.jobs");
  for (const job of jobs) {
    // The first to find out what is lost may lose its subscription, and nothing else.
    expectAnswer(await ask(viewer, job));
    expectAnswer(await ask(viewer, job, false));
    expectAnswer(await viewer.reply(viewer.send("job.cancel", {}, { job_id: job })));
  }
  for (const idempotency_key of ["a", "b", "c"]) {
    expectAnswer(await viewer.submit("once", { input: "again", idempotency_key }));
  }
  const errors = after.errors().map(({ err }) => err?.type);
  expect(["DamagedLog", "DamagedRow", "Error", undefined]).toEqual(expect.arrayContaining(errors));
}

test.each(SEEDS)(
  "P3: a runtime starts on any damaged file, and nobody else is affected: seed %d",
  async (seed) => {
    using scratch = new Scratch();
    const random = chance(seed);
    const house = await busy(scratch.newFile());
    const { before, spared } = house;
    let deeds: readonly string[] = [];
    const file = await crashed(before, scratch, (database) => {
      deeds = damage(database, 1 + random(8), Object.values(spared), random);
    });
    const after = host(file);
    await tryEverything(after, house).catch((cause: unknown) => {
      throw new Error(`after ${JSON.stringify(deeds, undefined, 1)}`, { cause });
    });
    // And so does the next process.
    const last = host(await crashed(after, scratch, () => {}));
    await tryEverything(last, house);
    for (const { runtime } of [before, after, last]) await runtime.close({ finishSec: 0 });
  },
);
