import { same } from "./equality.ts";
import { credentialRow, idempotencyRecord, jobRow, sessionRow } from "./sample-row.ts";
import { type StoreCase, storeCase } from "./store-case.ts";

export const askedAgainCases: readonly StoreCase[] = [
  storeCase(
    "what is asked for once more, as after a call of which nobody knows, is there once",
    {},
    async (stage) => {
      const { jobs, sessions, idempotency, credentials } = stage.store;
      const [row, session, key, credential] = [
        jobRow(),
        sessionRow(),
        idempotencyRecord(),
        credentialRow(),
      ];
      for (let attempt = 0; attempt < 2; attempt++) {
        await Promise.all([
          jobs.insert(row),
          sessions.insert(session),
          idempotency.put(key),
          credentials.insert(credential),
        ]);
      }
      await stage.holds(async (store) => {
        same(await store.jobs.get(row.id), row);
        same((await store.jobs.list({ limit: 9 })).length, 1);
        same(await store.sessions.get(session.id), session);
        same(await store.sessions.findByToken(session.tokens[0] ?? ""), session.id);
        same(await store.sessions.list(), [session.id]);
        same(await store.idempotency.get(key.principal, key.key), key);
        same(await store.credentials.list(), [credential]);
      });
    },
  ),
];
