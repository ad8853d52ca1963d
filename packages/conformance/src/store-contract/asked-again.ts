import { newJobId, newMessageId } from "@arcp/core";
import type { SessionChange } from "@arcp/runtime/store";
import { same } from "./equality.ts";
import {
  attachmentRow,
  credentialRow,
  idempotencyRecord,
  jobRow,
  ownerRun,
  sessionRow,
} from "./sample-row.ts";
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

  storeCase("a commit of a session that is made once more changes nothing", {}, async (stage) => {
    const row = sessionRow();
    await stage.store.sessions.insert(row);
    const { id: job, request = newMessageId() } = jobRow();
    const run = ownerRun(1, job, 1);
    const attach = [attachmentRow(job)];
    const first = { runs: [run, ownerRun(4, job, 4)], attach, tokens: ["a", "b"], acked: 2 };
    const refused = { request, reply: '"no"' };
    const changes: readonly SessionChange[] = [
      { ...first, issued: 3, refused },
      { cut: [{ from: 4, to: 4 }] },
      { detach: [newJobId()], refused },
    ];
    for (const change of changes) {
      for (let attempt = 0; attempt < 2; attempt++) {
        same(await stage.store.sessions.commit(row.id, 1, change), "committed");
      }
    }
    await stage.holds(async ({ sessions }) => {
      same(await sessions.get(row.id), { ...row, tokens: ["a", "b"], acked: 2, issued: 3 });
      same(await sessions.runs(row.id), [{ ...run, to: 3 }]);
      same(await sessions.attachments(row.id), attach);
      same(await sessions.refusal(row.id, request), '"no"');
    });
  }),
];
