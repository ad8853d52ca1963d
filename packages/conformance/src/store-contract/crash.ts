import { setImmediate as turn } from "node:timers/promises";
import { changesIn, namesOf, orders } from "./change.ts";
import { same } from "./equality.ts";
import { type StoreCase, storeCase } from "./store-case.ts";

/** Turns of the event loop after which a process ends: while calls wait, are in progress, and are done. */
const MOMENTS = [0, 1, 2, 3, 5, 8, 50];

export const crashCases: readonly StoreCase[] = [
  storeCase("what was acknowledged is there after a crash", { needs: ["crash"] }, async (stage) => {
    for (const { name, make, isMade } of await changesIn(stage.store)) {
      await make(stage.store);
      await stage.crash();
      same(await isMade(stage.store), true, name);
    }
  }),

  storeCase("J2: what was read is there after a crash", { needs: ["crash"] }, async (stage) => {
    for (const { name, make, isMade } of await changesIn(stage.store)) {
      const { store } = stage;
      let failure: unknown;
      make(store).catch((error: unknown) => {
        failure = error;
      });
      while (!(await isMade(store))) {
        if (failure !== undefined) throw failure;
        await turn();
      }
      await stage.crash();
      same(await isMade(stage.store), true, name);
    }
  }),

  storeCase(
    "a crash at any moment leaves nothing without what was asked for before it",
    { needs: ["crash"] },
    async (stage) => {
      for (const [index, order] of orders([0, 1, 2, 3, 4]).entries()) {
        // Each order at one moment, each moment in many orders.
        const all = await changesIn(stage.store);
        const ordered = order.flatMap((change) => all[change] ?? []);
        for (const { make } of ordered) make(stage.store).catch(() => {});
        for (let turns = MOMENTS[index % MOMENTS.length] ?? 0; turns > 0; turns--) await turn();
        await stage.crash();
        const made: boolean[] = [];
        for (const { isMade } of ordered) made.push(await isMade(stage.store));
        same(made, made.toSorted().reverse(), namesOf(ordered));
      }
    },
  ),
];
