import { randomBytes } from "node:crypto";
import { missing, type OpenStore, storeContract } from "@arcp/conformance/store";
import { newJobId, newSessionId, newTraceId } from "@arcp/core";
import { memoryStore } from "@arcp/runtime";
import { DamagedRow, type JobIndex, type JobRow } from "@arcp/runtime/store";
import { describe, expect, test } from "vitest";
import { sealedStore } from "./sealed-store.ts";

// The wrapper stores nothing itself: what holds over a store in memory holds over any.
const sealed: OpenStore = { open: async () => sealedStore(memoryStore(), randomBytes(32)) };

describe("the store contract", () => {
  for (const storeCase of storeContract) {
    // The limits of the inner store count sealed texts, which are longer.
    test.skipIf(missing(storeCase, sealed).length > 0)(storeCase.name, () => storeCase.run(sealed));
  }
});

test("nothing opens with another key, or at another place", async () => {
  const beneath = memoryStore();
  const store = sealedStore(beneath, randomBytes(32));
  const stolen = sealedStore(beneath, randomBytes(32));
  const [job, other] = [newJobId(), newJobId()];
  const records = [{ kind: "event", text: '"type":"job.event"' }] as const;
  const limits = { records: 1, characters: 1_000 };
  await store.logs.append([{ job, after: 0, records }]);
  expect((await store.logs.read(job, 0, limits)).records).toEqual(records);
  await expect(stolen.logs.read(job, 0, limits)).rejects.toThrow();

  const moved = (await beneath.logs.read(job, 0, limits)).records;
  expect(JSON.stringify(moved)).not.toContain("job.event");
  await beneath.logs.append([{ job: other, after: 0, records: moved }]);
  await expect(store.logs.read(other, 0, limits)).rejects.toThrow();
});

test("a row that the inner store cannot read is reported to the caller of the listing", async () => {
  const beneath = memoryStore();
  const lost = { id: newJobId(), error: new DamagedRow("its row cannot be read") };
  const list: JobIndex["list"] = async (_query, damaged) => {
    damaged?.(lost);
    return [];
  };
  const store = sealedStore({ ...beneath, jobs: { ...beneath.jobs, list } }, randomBytes(32));
  const told: unknown[] = [];
  await store.jobs.list({ limit: 1 }, (job) => told.push(job));
  expect(told).toEqual([lost]);
});

test("inputs and checkpoints are sealed, however they are stored", async () => {
  const beneath = memoryStore();
  const store = sealedStore(beneath, randomBytes(32));
  const id = newJobId();
  const row: JobRow = {
    id,
    principal: "alice",
    session: newSessionId(),
    features: [],
    agent: "notes",
    input: '"a secret"',
    lease: {},
    traceId: newTraceId(),
    acceptedAt: 1,
    status: "running",
  };
  await store.jobs.insert(row);
  await store.jobs.update(id, { checkpoint: '"another secret"' });
  const change = { input: '"a third secret"' };
  await store.logs.append([{ job: id, after: 0, records: [{ kind: "event", text: "" }], change }]);
  expect(await store.jobs.get(id)).toEqual({ ...row, checkpoint: '"another secret"', ...change });
  expect(JSON.stringify(await beneath.jobs.get(id))).not.toContain("secret");
});
