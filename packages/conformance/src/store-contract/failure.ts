import { setImmediate as turn } from "node:timers/promises";
import { same } from "./equality.ts";
import type { StoreCase } from "./store-case.ts";

export const failureCases: readonly StoreCase[] = [
  {
    name: "a store that does what it is asked, and one that is closed, has not failed",
    requirements: [],
    needs: [],
    async run(open) {
      const store = await open.open();
      const failures: Error[] = [];
      void store.failed.then((failure) => failures.push(failure));
      await store.jobs.list({ limit: 1 });
      await store.close();
      await turn();
      same(failures, []);
    },
  },
];
