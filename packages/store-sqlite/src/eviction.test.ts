import { newJobId } from "@arcp/core";
import type { JobRow } from "@arcp/runtime/store";
import { expect, test } from "vitest";
import { sqliteStore } from "./sqlite-store.ts";

const events = (count: number, characters = 100) =>
  Array.from({ length: count }, () => ({ kind: "event" as const, text: "x".repeat(characters) }));

const median = (values: readonly number[]) =>
  values.toSorted((a, b) => a - b)[values.length >> 1] ?? 0;

/** Milliseconds that an append takes beyond the limit of the whole store, beside so many finished jobs. */
async function costBeside(finished: number): Promise<number> {
  const store = sqliteStore(":memory:", { totalLogCharacters: finished * 3000 + 2900 });
  const live = [newJobId(), newJobId()];
  const ended = Array.from({ length: finished }, () => newJobId());
  const row = { principal: "alice", session: "s", request: "r", agent: "a@1.0.0", acceptedAt: 1 };
  const insert = (id: JobRow["id"]) =>
    store.jobs.insert({ ...row, id, status: "running" } as JobRow);
  await Promise.all([...live, ...ended].map(insert));
  await store.logs.append(ended.map((job) => ({ job, after: 0, records: events(1, 3000) })));
  const times: number[] = [];
  for (let after = 0; after < 17 * 32; after += 32) {
    const start = performance.now();
    await store.logs.append(live.map((job) => ({ job, after, records: events(32) })));
    if (after >= 12 * 32) times.push(performance.now() - start);
  }
  await store.close();
  return median(times);
}

test("J4: what an eviction costs does not grow with the number of finished jobs", async () => {
  const few = await costBeside(10);
  expect(await costBeside(5000)).toBeLessThan(5 * few);
});
