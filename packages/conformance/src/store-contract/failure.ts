import assert from "node:assert/strict";
import { setImmediate as turn } from "node:timers/promises";
import { newJobId, newSessionId } from "@arcp/core";
import { same } from "./equality.ts";
import { credentialRow, EVERYTHING, idempotencyRecord, jobRow } from "./sample-row.ts";
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
  {
    name: "a durable store that is closed refuses every call, and closes once",
    requirements: [],
    needs: [],
    async run(open) {
      const store = await open.open();
      await store.close();
      await store.close();
      if (!store.durable) return;
      const { logs, jobs, sessions, idempotency, credentials } = store;
      const calls = [
        () => logs.append([]),
        () => logs.read(newJobId(), 0, EVERYTHING),
        () => logs.remove(newJobId()),
        () => jobs.insert(jobRow()),
        () => jobs.list({ limit: 1 }),
        () => sessions.commit(newSessionId(), 1, {}),
        () => sessions.findByToken("t"),
        () => idempotency.put(idempotencyRecord()),
        () => credentials.insert(credentialRow()),
      ];
      for (const call of calls) await assert.rejects(call, { code: "CLOSED" });
    },
  },
];
