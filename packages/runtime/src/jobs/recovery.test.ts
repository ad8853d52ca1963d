import type { JobId } from "@arcp/core";
import { pino } from "pino";
import { expect, test } from "vitest";
import { settled } from "../../test/held-store.ts";
import { hosts } from "../../test/hosts.ts";
import { Viewer } from "../../test/viewer.ts";

const LEASE = { lease_request: { "agent.delegate": ["led"] } };

/** A crash after a child is stored, with or without the record that announces it. */
async function crashed({ told }: { readonly told: boolean }) {
  const said: unknown[] = [];
  const logger = pino({ level: "warn" }, { write: (line: string) => said.push(JSON.parse(line)) });
  const rig = hosts({ logger });
  const { store } = rig;
  const before = new Viewer(rig.start());
  const welcome = await before.hello();
  const parent = await rig.submit(before, LEASE);
  await settled();
  const { append } = store.logs;
  store.logs.append = async (batches) => {
    if (told) await append.call(store.logs, batches);
    return new Promise(() => {});
  };
  void parent.ctx.delegate("led");
  await settled();
  store.logs.append = append;
  const rows = () => store.jobs.list({ limit: 9 });
  const children = async () => (await rows()).filter((row) => row.parent !== undefined);
  expect(await children()).toMatchObject([{ parent: parent.id, status: "pending" }]);
  const comeBack = async () => {
    const after = new Viewer(rig.start());
    await after.resume(welcome, 1);
    await after.terminal(parent.id);
    await settled();
    return after;
  };
  return { ...rig, parent, children, comeBack, said };
}

const told = ({ frames }: Viewer) => frames.map(({ type, payload }) => payload.kind ?? type);

test("R-10-2, R-7.3-10: a child whose process crashes before anything announces it never existed, which is logged", async () => {
  const { children, comeBack, parent, said } = await crashed({ told: false });
  const [child] = await children();
  expect(told(await comeBack())).toEqual(["session.welcome", "job.error"]);
  expect(await children()).toEqual([]);
  const msg = "a delegated job is forgotten: its parent's log does not mention it";
  expect(said).toMatchObject([{ msg, job: child?.id, parent: parent.id }]);
});

/** A crash after the store has refused a parent's records for too long, but has stored the end of the child that they announce. */
async function crashedBehindEnd({
  taken,
  inIndex,
  byClock = false,
}: {
  readonly taken: boolean;
  readonly inIndex: boolean;
  readonly byClock?: boolean;
}) {
  const rig = hosts();
  const { store, clock } = rig;
  const before = new Viewer(rig.start());
  const welcome = await before.hello();
  const parent = await rig.submit(before, LEASE);
  await settled();
  const { append } = store.logs;
  store.logs.append = async (batches) => {
    const theirs = batches.filter(({ job, records }) => job === parent.id && records.length > 0);
    if (theirs.length === 0) {
      return append.call(
        store.logs,
        inIndex ? batches : batches.map(({ change: _, ...rest }) => rest),
      );
    }
    if (taken) await append.call(store.logs, theirs);
    throw new Error("disk full");
  };
  parent.ctx.delegate("led", null, byClock ? { maxRuntimeSec: 1 } : {}).catch(() => {});
  await settled();
  if (!byClock) parent.end("done");
  // The child's records come after its parent's.
  for (const pause of [20, 100, 500, 2000, 20, 100]) {
    await settled();
    clock.advance(pause);
  }
  await settled();
  store.logs.append = append;
  const children = () => store.jobs.list({ parent: parent.id as JobId, limit: 9 });
  const comeBack = async () => {
    const after = new Viewer(rig.start());
    await after.resume(welcome, 1);
    await after.terminal(parent.id);
    await settled();
  };
  return { store, children, comeBack };
}

test.each([true, false])(
  "R-10-2: after a crash, a child with an end that nothing announces never existed; in the index: %s",
  async (inIndex) => {
    const { store, children, comeBack } = await crashedBehindEnd({ taken: false, inIndex });
    const [child] = await children();
    expect(child?.status).toBe(inIndex ? "cancelled" : "pending");
    const id = child?.id as JobId;
    const head = async () => (await store.logs.read(id, 0, { records: 0, characters: 0 })).head;
    expect(await head()).toBe(1);
    await comeBack();
    expect(await children()).toEqual([]);
    expect(await head()).toBe(0);
  },
);

test("R-10-2: after a crash, a child that ended by its own time limit but that nothing announces never existed", async () => {
  const { children, comeBack } = await crashedBehindEnd({
    taken: false,
    inIndex: true,
    byClock: true,
  });
  expect(await children()).toMatchObject([{ status: "timed_out" }]);
  await comeBack();
  expect(await children()).toEqual([]);
});

test("R-10-2: after a crash, a child that has its end and was announced stays", async () => {
  const { children, comeBack } = await crashedBehindEnd({ taken: true, inIndex: true });
  const before = await children();
  await comeBack();
  expect(await children()).toEqual(before);
  expect(await children()).toMatchObject([{ status: "cancelled" }]);
});

test("R-10-2, R-10-6: a child that was announced but had not begun has its acceptance and its end", async () => {
  const { children, comeBack } = await crashed({ told: true });
  const after = await comeBack();
  expect(await children()).toMatchObject([{ status: "cancelled" }]);
  expect(told(after)).toEqual([
    "session.welcome",
    // Its number counts as used, so it is repeated after its announcement (R-6.3-8).
    "job.accepted",
    "delegate",
    "job.error",
    "job.error",
  ]);
});

test.each(["the beginning of its parent's log", "its parent"])(
  "R-7.3-10: a child that may have been announced has its end, even if %s is gone",
  async (gone) => {
    const { store, start, children, ...rest } = await crashed({ told: true });
    const parent = rest.parent.id as JobId;
    const [child] = await children();
    const { read } = store.logs;
    if (gone === "its parent") {
      await store.logs.remove(parent);
      await store.jobs.remove(parent);
    } else {
      store.logs.read = async (job, after, limits) => {
        if (job !== parent) return read.call(store.logs, job, after, limits);
        const page = await read.call(store.logs, job, Math.max(after, 2), limits);
        return { ...page, floor: 2 };
      };
    }
    start();
    await settled();
    expect(await children()).toMatchObject([{ id: child?.id, status: "cancelled" }]);
  },
);

test("R-7.2-6 and R-D-12: the key of a job that never existed is free", async () => {
  const rig = hosts();
  const { store, start, submit } = rig;
  const before = new Viewer(start());
  const welcome = await before.hello();
  const parent = await submit(before, LEASE);
  await settled();
  const { append } = store.logs;
  store.logs.append = () => new Promise(() => {});
  before.send("job.submit", { agent: "led", parent_job_id: parent.id, idempotency_key: "k" });
  await settled();
  store.logs.append = append;
  expect(await store.idempotency.get("alice", "k")).toBeDefined();
  const after = new Viewer(start());
  await after.resume(welcome, 1);
  expect(await store.idempotency.get("alice", "k")).toBeUndefined();
  const run = rig.nextRun();
  const again = await after.submit("led", "another", { idempotency_key: "k" });
  expect(again.type).toBe("job.accepted");
  await run;
});
