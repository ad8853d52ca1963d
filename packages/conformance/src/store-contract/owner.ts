import assert from "node:assert/strict";
import type { Store } from "@arcp/runtime/store";
import { same } from "./equality.ts";
import { asked, soon } from "./patience.ts";
import { jobRow } from "./sample-row.ts";
import { type Stage, type StoreCase, storeCase } from "./store-case.ts";

export const ownerCases: readonly StoreCase[] = [
  storeCase(
    "only one process has the store open: a second one is refused, or the first one has lost it for good",
    { needs: ["openTwice"] },
    openedTwice,
  ),

  storeCase(
    "the same holds if the second one opens it while the connection of the first one is broken",
    { needs: ["openTwice", "disconnect"] },
    async (stage) => {
      await stage.disconnect();
      await openedTwice(stage);
    },
  ),
];

async function openedTwice(stage: Stage): Promise<void> {
  const { store } = stage;
  const row = jobRow();
  const second: unknown = await stage.openTwice().catch((error: unknown) => error);
  // The first one writes: only then may it learn that it has been taken over.
  const written = soon(
    "the first one has written, or was told that it cannot",
    asked(() => store.jobs.insert(row)),
  );
  if (second instanceof Error) {
    same((second as { code?: unknown }).code, "MISUSE", second.message);
    await written;
    await stage.holds(async ({ jobs }) => same(await jobs.get(row.id), row));
    return;
  }
  const taken = second as Store;
  try {
    await assert.rejects(written, { code: "CLOSED" }, "two processes have it open");
    const failure = await soon("the first one has failed", store.failed);
    assert.ok(failure instanceof Error);
    same(await taken.jobs.get(row.id), undefined);
  } finally {
    await taken.close();
  }
}
