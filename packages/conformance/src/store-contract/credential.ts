import { newJobId } from "@arcp/core";
import { same } from "./equality.ts";
import { credentialRow } from "./sample-row.ts";
import { type StoreCase, storeCase } from "./store-case.ts";

export const credentialCases: readonly StoreCase[] = [
  storeCase(
    "R-9.8-4: an outstanding credential is there until it is removed",
    { requirements: ["R-9.8-4"] },
    async (stage) => {
      const job = newJobId();
      const rows = ["b", "a", "c"].map((alias) =>
        credentialRow({ alias, job, provisioner: `\ud800 ${alias}`, askedAt: 0.5 }),
      );
      const sorted = [...rows].sort((a, b) => (a.alias < b.alias ? -1 : 1));
      await Promise.all(rows.map((row) => stage.store.credentials.insert(row)));
      await stage.holds(async ({ credentials }) => same(await credentials.list(), sorted));
      await stage.store.credentials.remove("a");
      await stage.store.credentials.remove("a");
      await stage.store.credentials.remove("unknown");
      await stage.holds(async ({ credentials }) => same(await credentials.list(), sorted.slice(1)));
      for (const { alias } of rows) await stage.store.credentials.remove(alias);
      await stage.holds(async ({ credentials }) => same(await credentials.list(), []));
    },
  ),

  storeCase("a credential outlives what is known of its job", {}, async (stage) => {
    const row = credentialRow();
    await stage.store.credentials.insert(row);
    await stage.store.jobs.remove(row.job);
    await stage.store.logs.remove(row.job);
    await stage.store.idempotency.removeJob(row.job);
    await stage.holds(async ({ credentials }) => same(await credentials.list(), [row]));
  }),
];
