import assert from "node:assert/strict";
import { setImmediate as turn } from "node:timers/promises";
import { newJobId } from "@arcp/core";
import { changesIn } from "./change.ts";
import { same } from "./equality.ts";
import { asked, soon } from "./patience.ts";
import { records, textsOf } from "./sample-row.ts";
import { type StoreCase, storeCase } from "./store-case.ts";

/** Turns of the event loop after which the connection breaks: while calls wait, are in progress, and are done. */
const MOMENTS = [0, 1, 2, 3, 5, 8, 13, 50];

export const disconnectCases: readonly StoreCase[] = [
  storeCase(
    "a change that was rejected as the connection broke can be asked for once more",
    { needs: ["disconnect"] },
    async (stage) => {
      const { store } = stage;
      for (const turns of MOMENTS) {
        const all = await asked(() => changesIn(store));
        const calls = Promise.allSettled(all.map(({ make }) => make(store)));
        await broken(stage.disconnect, turns);
        for (const [i, { status }] of (await calls).entries()) {
          const { make } = all[i] ?? {};
          if (status === "rejected" && make !== undefined) await asked(() => make(store));
        }
        for (const { name, isMade } of all) same(await asked(() => isMade(store)), true, name);
      }
    },
  ),

  storeCase(
    "J1: no break of the connection fences off the one writer, unless its append was rejected",
    { needs: ["disconnect"] },
    async (stage) => {
      const { store } = stage;
      for (const turns of MOMENTS) {
        const job = newJobId();
        const batch = (after: number) => [{ job, after, records: records(after + 1, 2) }];
        // In the middle of others, so that some are done and some are yet to be made.
        for (let after = 0; after < 20; after += 2) {
          const breaking = after === 8 ? broken(stage.disconnect, turns) : undefined;
          const outcome = await store.logs.append(batch(after)).catch(() => undefined);
          if (outcome === undefined) await asked(() => store.logs.append(batch(after)));
          else same(outcome, ["appended"]);
          await breaking;
        }
        const expected = records(1, 20).map(({ text }) => text);
        same(await asked(() => textsOf(store, job)), expected);
      }
    },
  ),

  storeCase(
    "bells ring on behind a break of the connection, and the store has not failed",
    { needs: ["disconnect"] },
    async (stage) => {
      const { store } = stage;
      const failures: Error[] = [];
      void store.failed.then((failure) => failures.push(failure));
      const job = newJobId();
      const rung = Promise.withResolvers<void>();
      store.logs.listen(job, rung.resolve);
      await stage.disconnect();
      await asked(() => store.jobs.list({ limit: 1 }));
      await asked(() => store.credentials.remove("none"));
      same(await store.logs.append([{ job, after: 0, records: records(1, 1) }]), ["appended"]);
      await soon("the bell rings", rung.promise);
      assert.deepEqual(failures, []);
    },
  ),
];

async function broken(disconnect: () => Promise<void>, turns: number): Promise<void> {
  for (let left = turns; left > 0; left--) await turn();
  await disconnect();
}
