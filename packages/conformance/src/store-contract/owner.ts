import assert from "node:assert/strict";
import { same } from "./equality.ts";
import { jobRow } from "./sample-row.ts";
import { type StoreCase, storeCase } from "./store-case.ts";

export const ownerCases: readonly StoreCase[] = [
  storeCase(
    "one process at a time has it open: another one is refused, or the first one has lost it for good",
    { needs: ["openTwice"] },
    async (stage) => {
      const { store } = stage;
      const row = jobRow();
      await store.jobs.insert(row);
      const run = () => store.jobs.update(row.id, { status: "running" });
      const second = await stage.openTwice().catch((error: unknown) => error);
      if (second instanceof Error) {
        same((second as { code?: unknown }).code, "MISUSE", second.message);
        await run();
        await stage.holds(async ({ jobs }) => same((await jobs.get(row.id))?.status, "running"));
        return;
      }
      const taken = second as typeof store;
      try {
        await assert.rejects(run, { code: "CLOSED" }, "two processes have it open");
        assert.ok((await store.failed) instanceof Error);
        same(await taken.jobs.get(row.id), row);
      } finally {
        await taken.close();
      }
    },
  ),
];
