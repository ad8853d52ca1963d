import { isTerminal, type JobId, newSessionId } from "@arcp/core";
import { describe, expect, test } from "vitest";
import { MortalStore } from "../test/crash/mortal-store.ts";
import { settled } from "../test/held-store.ts";
import { hosts } from "../test/hosts.ts";
import { ALL_FEATURES, Viewer } from "../test/viewer.ts";
import { defineAgent } from "./agents/agent.ts";
import type { Runtime } from "./runtime.ts";

/** What a process leaves for the next one of the jobs above the limit. */

const quick = defineAgent({ name: "quick", run: () => "done" });
const JOBS = 6;
const DAY = 24 * 60 * 60 * 1000;

/** Consecutive processes, each with its own limit. */
function rig() {
  const { start, store, clock } = hosts({ agents: [quick] });
  /** All jobs of which anything is kept, each of which must be whole. */
  const left = async (): Promise<JobId[]> => {
    const rows = await store.jobs.list({ limit: 6000 });
    for (const { id, status } of rows) {
      const { head } = await store.logs.read(id, 0, { records: 0, characters: 0 });
      expect([id, isTerminal(status), head > 0]).toEqual([id, true, true]);
    }
    return rows.map(({ id }) => id);
  };
  const keeping = (finishedJobsPerPrincipal: number) =>
    start({ limits: { finishedJobsPerPrincipal } });
  return { keeping, store, clock, left };
}

async function greeted(runtime: Runtime, token?: string) {
  const viewer = new Viewer(runtime);
  return { viewer, welcome: await viewer.hello(ALL_FEATURES, token) };
}

async function run(viewer: Viewer, rest: object = {}): Promise<JobId> {
  const { job_id } = await viewer.submit("quick", null, rest);
  await viewer.terminal(job_id);
  return job_id as JobId;
}

describe.each([
  { kind: "with transactions", apart: false, keyed: false },
  { kind: "without transactions", apart: true, keyed: false },
  { kind: "whose keys have had their day", apart: false, keyed: true },
])("a crash between any two changes of a store $kind", ({ apart, keyed }) => {
  test.each([[2], [1]])(
    "R-14-2: leaves nothing half there, with a limit of 2 before it and %d after it",
    async (most) => {
      for (let changes = 1, isOver = false; !isOver; changes++) {
        const { keeping, store, clock, left } = rig();
        const mortal = new MortalStore(store, apart);
        mortal.begin(Number.POSITIVE_INFINITY);
        const { viewer, welcome } = await greeted(keeping(2));
        mortal.begin(changes);
        const ended = new Map<number, JobId>();
        const life = async (): Promise<boolean> => {
          for (let n = 0; n < JOBS; n++) {
            ended.set(n, await run(viewer, keyed ? { idempotency_key: `${n}` } : {}));
          }
          await settled();
          if (keyed) clock.advance(DAY);
          await settled();
          return true;
        };
        isOver = await Promise.race([life(), mortal.died.then(() => false)]);
        await settled();
        mortal.begin(Number.POSITIVE_INFINITY);
        const next = keeping(most);
        await greeted(next);
        if (keyed) clock.advance(DAY);
        await settled();
        const after = new Viewer(next);
        const resumed = await after.resume(welcome, viewer.seqs.at(-1) ?? 0);
        // It goes on where it was, or is told that it cannot.
        const code = resumed.payload.code ?? "RESUME_WINDOW_EXPIRED";
        expect([changes, code]).toEqual([changes, "RESUME_WINDOW_EXPIRED"]);
        // By then, what it has still to read is looked at again.
        await settled();
        clock.advance(1000);
        await settled();
        const kept = await left();
        expect([changes, kept.length]).toEqual([changes, Math.min(kept.length, most)]);
        for (const [n, job] of keyed ? ended : []) {
          const key = await store.idempotency.get("alice", `${n}`);
          expect([changes, key?.job === job]).toEqual([changes, kept.includes(job)]);
        }
      }
    },
  );
});

test("R-14-2: a store above its limit comes within it, oldest first, a few per turn", async () => {
  const { keeping, store, left } = rig();
  const before = keeping(5000);
  const { viewer: stranger } = await greeted(before, "other");
  const strangers: JobId[] = [];
  while (strangers.length < 8) strangers.push(await run(stranger));
  const row = await store.jobs.get(strangers[0] as JobId);
  if (row === undefined) throw new Error("there is no job");
  const { records } = await store.logs.read(row.id, 0, { records: 9, characters: 9999 });
  const ids = Array.from({ length: 5000 }, (_, n) => `job_${`${n}`.padStart(6, "0")}` as JobId);
  const { acceptedAt = 0, finishedAt = 0 } = row;
  for (const [n, id] of ids.entries()) {
    const older = {
      session: newSessionId(),
      acceptedAt: acceptedAt - 5000 + n,
      finishedAt: finishedAt - 5000 + n,
    };
    await store.jobs.insert({ ...row, id, principal: "alice", ...older });
    await store.logs.append([{ job: id, after: 0, records }]);
  }
  const { remove } = store.jobs;
  let removed = 0;
  store.jobs.remove = (id) => {
    removed += 1;
    return remove.call(store.jobs, id);
  };
  const { viewer } = await greeted(keeping(10));
  const last = await run(viewer);
  for (let turns = 0; turns < 100; turns++) {
    const before = removed;
    await settled(1);
    expect(removed - before).toBeLessThanOrEqual(256);
  }
  expect((await left()).toSorted()).toEqual([...ids.slice(-9), ...strangers, last].toSorted());
});
