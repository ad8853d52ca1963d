import { changesIn, namesOf, orders } from "./change.ts";
import { same } from "./equality.ts";
import {
  credentialRow,
  idempotencyRecord,
  jobRow,
  record,
  sessionRow,
  textsOf,
} from "./sample-row.ts";
import { type StoreCase, storeCase } from "./store-case.ts";

export const durableOrderCases: readonly StoreCase[] = [
  storeCase(
    "what was asked for first is durable no later than what came after it, over all interfaces",
    {},
    async (stage) => {
      for (const order of orders([0, 1, 2, 3, 4])) {
        const all = await changesIn(stage.store);
        const ordered = order.flatMap((index) => all[index] ?? []);
        const looks: boolean[][] = [];
        await Promise.all(
          ordered.map(async ({ make }, index) => {
            await make(stage.store);
            const before = ordered.slice(0, index + 1);
            looks.push(await Promise.all(before.map(({ isMade }) => isMade(stage.store))));
          }),
        );
        same([...new Set(looks.flat())], [true], namesOf(ordered));
      }
    },
  ),

  storeCase("a removal takes place in the order of the calls, like all else", {}, async (stage) => {
    const { logs, jobs, sessions, idempotency, credentials } = stage.store;
    const row = jobRow();
    const [old, session] = [sessionRow({ id: row.session }), sessionRow({ id: row.session })];
    const key = idempotencyRecord({ job: row.id });
    const [credential, gone] = [credentialRow(), credentialRow()];
    const append = (text: string) =>
      logs.append([{ job: row.id, after: 0, records: [record(text)] }]);
    await Promise.all([
      append("old"),
      logs.remove(row.id),
      append("new"),
      jobs.insert(row),
      jobs.remove(row.id),
      jobs.insert({ ...row, principal: "bob" }),
      sessions.insert(old),
      sessions.forget(old.id),
      sessions.insert(session),
      idempotency.put(key),
      idempotency.removeJob(row.id),
      idempotency.put({ ...key, fingerprint: "new" }),
      credentials.insert(gone),
      credentials.remove(gone.alias),
      credentials.insert(credential),
    ]);
    await stage.holds(async (store) => {
      same(await textsOf(store, row.id), ["new"]);
      same((await store.jobs.get(row.id))?.principal, "bob");
      same(await store.sessions.get(session.id), session);
      same((await store.idempotency.get(key.principal, key.key))?.fingerprint, "new");
      same(await store.credentials.list(), [credential]);
    });
  }),

  storeCase("a close writes what waits", { needs: ["reopen"] }, async (stage) => {
    const all = await changesIn(stage.store);
    const asked = Promise.allSettled(all.map(({ make }) => make(stage.store)));
    await stage.reopen();
    for (const { name, isMade } of all) same(await isMade(stage.store), true, name);
    same(
      (await asked).map(({ status }) => status),
      all.map(() => "fulfilled"),
    );
  }),

  storeCase(
    "what was acknowledged is there after a close",
    { needs: ["reopen"] },
    async (stage) => {
      const all = await changesIn(stage.store);
      for (const { make } of all) await make(stage.store);
      await stage.reopen();
      for (const { name, isMade } of all) same(await isMade(stage.store), true, name);
    },
  ),
];
