import type { Store } from "@arcp/runtime/store";
import { same } from "./equality.ts";
import {
  credentialRow,
  idempotencyRecord,
  jobRow,
  ownerRun,
  records,
  sessionRow,
  textsOf,
} from "./sample-row.ts";
import { type StoreCase, storeCase } from "./store-case.ts";

/** A change, and a look whether it took place. */
interface Change {
  make(store: Store): Promise<unknown>;
  isMade(store: Store): Promise<boolean>;
}

/** One change of each interface. @param session exists already */
function changes(session: ReturnType<typeof sessionRow>): readonly Change[] {
  const row = jobRow();
  const record = idempotencyRecord({ key: row.id, job: row.id });
  const credential = credentialRow({ job: row.id });
  const run = ownerRun(1, row.id, 1);
  return [
    {
      make: ({ idempotency }) => idempotency.put(record),
      isMade: async ({ idempotency }) => (await idempotency.get("alice", row.id)) !== undefined,
    },
    {
      make: ({ jobs }) => jobs.insert(row),
      isMade: async ({ jobs }) => (await jobs.get(row.id)) !== undefined,
    },
    {
      make: ({ sessions }) => sessions.commit(session.id, 1, { runs: [run] }),
      isMade: async ({ sessions }) => (await sessions.runs(session.id)).length === 1,
    },
    {
      make: ({ logs }) => logs.append([{ job: row.id, after: 0, records: records(1, 3) }]),
      isMade: async (store) => (await textsOf(store, row.id)).length === 3,
    },
    {
      make: ({ credentials }) => credentials.insert(credential),
      isMade: async ({ credentials }) =>
        (await credentials.list()).some(({ alias }) => alias === credential.alias),
    },
  ];
}

/** Every order of some things. */
function orders<T>(things: readonly T[]): T[][] {
  if (things.length === 0) return [[]];
  return things.flatMap((thing) =>
    orders(things.filter((other) => other !== thing)).map((rest) => [thing, ...rest]),
  );
}

export const durableOrderCases: readonly StoreCase[] = [
  storeCase(
    "what was asked for first is durable no later than what came after it, over all interfaces",
    {},
    async (stage) => {
      for (const order of orders([0, 1, 2, 3, 4])) {
        const session = sessionRow();
        await stage.store.sessions.insert(session);
        const all = changes(session);
        const ordered = order.flatMap((index) => all[index] ?? []);
        const looks: boolean[][] = [];
        await Promise.all(
          ordered.map(async ({ make }, index) => {
            await make(stage.store);
            const before = ordered.slice(0, index + 1);
            looks.push(await Promise.all(before.map(({ isMade }) => isMade(stage.store))));
          }),
        );
        same([...new Set(looks.flat())], [true], `in the order ${order}`);
      }
    },
  ),

  storeCase(
    "what was acknowledged is there after a close",
    { needs: ["reopen"] },
    async (stage) => {
      const session = sessionRow();
      await stage.store.sessions.insert(session);
      const all = changes(session);
      for (const { make } of all) await make(stage.store);
      await stage.reopen();
      for (const { isMade } of all) same(await isMade(stage.store), true);
    },
  ),
];
