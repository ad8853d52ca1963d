import { type JobId, newSessionId } from "@arcp/core";
import { pino } from "pino";
import { expect, test } from "vitest";
import { Pace } from "../test/pace.ts";
import { tokenTable } from "./auth.ts";
import { createRuntime } from "./runtime.ts";
import type { JobRow, Store } from "./store/index.ts";
import { memoryStore } from "./store/memory-store.ts";

const session = newSessionId();

const jobRow = (n: number, status: JobRow["status"]): JobRow => ({
  id: `job_${n}` as JobId,
  principal: "alice",
  session,
  features: [],
  agent: "gone",
  lease: {},
  traceId: "t",
  acceptedAt: n,
  status,
});

test("J4: what the previous process left is taken over a part at a time, however much it is", async () => {
  const inner = memoryStore();
  await inner.sessions.insert({
    id: session,
    principal: "alice",
    features: [],
    epoch: 1,
    tokens: [],
    issued: 0,
    acked: 0,
  });
  for (let n = 0; n < 2400; n++) {
    const row = jobRow(n, n % 4 === 0 ? "running" : "success");
    await inner.jobs.insert(row);
    const event = `"id":"m","type":"job.event","payload":{"kind":"log","body":{}}}`;
    const result = `"id":"m","type":"job.result","payload":{"final_status":"success"}}`;
    const record =
      row.status === "success"
        ? ({ kind: "terminal", text: result } as const)
        : ({ kind: "event", text: event } as const);
    await inner.logs.append([{ job: row.id, after: 0, records: [record] }]);
  }
  const [rows, reads] = [new Pace(), new Pace()];
  const { logs, jobs } = inner;
  const store: Store = {
    ...inner,
    durable: true,
    logs: {
      append: (batches) => logs.append(batches),
      listen: (job, ring) => logs.listen(job, ring),
      remove: (job) => logs.remove(job),
      read(...asked) {
        reads.count();
        return logs.read(...asked);
      },
    },
    jobs: {
      insert: (row) => jobs.insert(row),
      update: (id, change) => jobs.update(id, change),
      get: (id) => jobs.get(id),
      remove: (id) => jobs.remove(id),
      async list(query) {
        const listed = await jobs.list(query);
        for (const _ of listed) rows.count();
        return listed;
      },
    },
  };
  const runtime = createRuntime({
    agents: [],
    auth: tokenTable({ secret: "alice" }),
    store,
    logger: pino({ level: "silent" }),
  });
  expect((await runtime.jobs.get("job_0"))?.status).toBe("error");
  expect(runtime.sessions.get(session)).toMatchObject({ following: 2400 });
  const [listed, read] = [rows.end(), reads.end()];
  expect(listed.all).toBeGreaterThanOrEqual(2400 + 600);
  expect(listed.most).toBeLessThanOrEqual(512);
  expect(read.all).toBeGreaterThanOrEqual(1200);
  expect(read.most).toBeLessThanOrEqual(256);
  await runtime.close();
});
