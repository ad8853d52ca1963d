import assert from "node:assert/strict";
import { type MessageId, newJobId, newMessageId, newSessionId, type SessionId } from "@arcp/core";
import { same } from "./equality.ts";
import { attachmentRow, ownerRun, sessionRow, stateOf } from "./sample-row.ts";
import { type StoreCase, storeCase } from "./store-case.ts";

export const sessionCases: readonly StoreCase[] = [
  storeCase("a session comes back as it was inserted", {}, async (stage) => {
    const rows = [
      sessionRow(),
      sessionRow({ principal: "\ud800", features: [], tokens: [], issued: 0, acked: 3 }),
      sessionRow({ epoch: 7, tokens: ["b", "a", "c"], issued: 2 ** 40, acked: 2 ** 41 }),
    ];
    for (const row of rows) await stage.store.sessions.insert(row);
    await stage.holds(async ({ sessions }) => {
      for (const row of rows) same(await sessions.get(row.id), row);
      same((await sessions.list()).toSorted(), rows.map(({ id }) => id).toSorted());
      assert.equal(await sessions.get(newSessionId()), undefined);
      same(await sessions.attachments(newSessionId()), []);
      same(await sessions.runs(newSessionId()), []);
    });
  }),

  storeCase(
    "R-6.3-7: a token is found while it is valid and never again",
    { requirements: ["R-6.3-7"] },
    async (stage) => {
      const row = sessionRow({ tokens: ["t1", "t2"] });
      const other = sessionRow({ tokens: ["u1"] });
      const { sessions } = stage.store;
      for (const inserted of [row, other]) await sessions.insert(inserted);
      const found = (valid: readonly string[]) =>
        stage.holds(async (store) => {
          for (const token of ["t1", "t2", "t3", "t4", "t5", ""]) {
            const id = await store.sessions.findByToken(token);
            assert.equal(id, valid.includes(token) ? row.id : undefined, token);
          }
          same((await store.sessions.get(row.id))?.tokens, valid);
          same(await store.sessions.findByToken("u1"), other.id);
        });
      await found(["t1", "t2"]);
      same(await stage.store.sessions.claim(row.id, 1, ["t2", "t3"]), "committed");
      await found(["t2", "t3"]);
      same(await stage.store.sessions.commit(row.id, 2, { tokens: ["t4", "t3"] }), "committed");
      await found(["t4", "t3"]);
      same(await stage.store.sessions.commit(row.id, 1, { tokens: ["t5"] }), "fenced");
      same(await stage.store.sessions.claim(row.id, 1, ["t5"]), "fenced");
      await found(["t4", "t3"]);
      await stage.store.sessions.forget(row.id);
      await stage.holds(async (store) => {
        for (const token of ["t1", "t2", "t3", "t4", "t5"])
          assert.equal(await store.sessions.findByToken(token), undefined);
      });
    },
  ),

  storeCase(
    "R-5.4-8: the refusals of a session are kept with it, the newest 1,000 of them",
    { requirements: ["R-5.4-8"] },
    async (stage) => {
      const [row, other] = [sessionRow(), sessionRow()];
      for (const inserted of [row, other]) await stage.store.sessions.insert(inserted);
      const requests = Array.from({ length: 1001 }, () => newMessageId("req_"));
      const [first, second] = requests as [MessageId, MessageId];
      const refuse = (id: SessionId, request: MessageId, reply: string, epoch = 1) =>
        stage.store.sessions.commit(id, epoch, { refused: { request, reply } });
      await refuse(other.id, first, '"other"');
      await refuse(row.id, first, '"fenced"', 2);
      assert.equal(await stage.store.sessions.refusal(row.id, first), undefined);
      await Promise.all(
        requests.slice(0, 1000).map((request, i) => refuse(row.id, request, `${i}`)),
      );
      await stage.holds(async (store) => {
        assert.equal(await store.sessions.refusal(row.id, first), "0");
        assert.equal(await store.sessions.refusal(other.id, first), '"other"');
        assert.equal(await store.sessions.refusal(row.id, newMessageId()), undefined);
      });
      await refuse(row.id, requests[1000] as MessageId, '"\ud800"');
      await stage.holds(async (store) => {
        assert.equal(await store.sessions.refusal(row.id, first), undefined);
        assert.equal(await store.sessions.refusal(row.id, second), "1");
        assert.equal(await store.sessions.refusal(row.id, requests[1000] as MessageId), '"\ud800"');
        assert.equal(await store.sessions.refusal(other.id, first), '"other"');
      });
      await stage.store.sessions.forget(row.id);
      await stage.holds(async (store) => {
        assert.equal(await store.sessions.refusal(row.id, second), undefined);
      });
    },
  ),

  storeCase(
    "requests are told apart by their ids, whatever text a client makes them of",
    { requirements: ["R-5.4-8"] },
    async (stage) => {
      const row = sessionRow();
      await stage.store.sessions.insert(row);
      const requests = ["\ud800", "\ud801", "\ufffd", "a\0", "a", "__proto__"] as MessageId[];
      const attach = requests.map((request) =>
        attachmentRow(newJobId(), { role: "observer", request }),
      );
      await stage.store.sessions.commit(row.id, 1, { attach });
      for (const [i, request] of requests.entries()) {
        await stage.store.sessions.commit(row.id, 1, { refused: { request, reply: `${i}` } });
      }
      await stage.holds(async ({ sessions }) => {
        same(await sessions.attachments(row.id), attach);
        for (const [i, request] of requests.entries()) {
          assert.equal(await sessions.refusal(row.id, request), `${i}`);
        }
      });
    },
  ),

  storeCase("P5: whoever claims a session fences off all before", {}, async (stage) => {
    const row = sessionRow({ issued: 5, acked: 2 });
    const { sessions } = stage.store;
    await sessions.insert(row);
    same(await Promise.all(["a", "b", "c"].map((token) => sessions.claim(row.id, 1, [token]))), [
      "committed",
      "fenced",
      "fenced",
    ]);
    const claimed = { ...row, epoch: 2, tokens: ["a"], issued: undefined };
    await stage.holds(async (store) => same(await store.sessions.get(row.id), claimed));
    for (const epoch of [0, 1, 3]) {
      same(await stage.store.sessions.claim(row.id, epoch, ["d"]), "fenced");
      same(await stage.store.sessions.commit(row.id, epoch, { acked: 9 }), "fenced");
    }
    await stage.holds(async (store) => same(await store.sessions.get(row.id), claimed));
    same(await stage.store.sessions.commit(row.id, 2, { acked: 9 }), "committed");
    same(await stage.store.sessions.claim(newSessionId(), 1, ["e"]), "fenced");
    same(await stage.store.sessions.commit(newSessionId(), 1, { acked: 1 }), "fenced");
    assert.equal(await stage.store.sessions.findByToken("e"), undefined);
  }),

  storeCase("P5: a commit changes everything or, fenced, nothing", {}, async (stage) => {
    const { store } = stage;
    const row = sessionRow();
    const [a, b, c] = [newJobId(), newJobId(), newJobId()];
    await store.sessions.insert(row);
    const request = newMessageId();
    const observer = attachmentRow(b, { role: "observer", after: 4, since: 6, request });
    await store.sessions.commit(row.id, 1, { attach: [attachmentRow(a), attachmentRow(c)] });
    const change = {
      runs: [ownerRun(1, a, 1), { ...ownerRun(7, b, 5), role: "observer" as const }],
      attach: [observer],
      detach: [c],
      tokens: ["new"],
      issued: 9,
      acked: 3,
    };
    const expected = {
      row: { ...row, tokens: ["new"], issued: 9, acked: 3 },
      attachments: [attachmentRow(a), observer],
      runs: change.runs,
    };
    same(await store.sessions.commit(row.id, 1, change), "committed");
    await stage.holds(async (held) => same(await stateOf(held, row.id), expected));
    const fenced = {
      runs: [ownerRun(1, c, 1)],
      attach: [attachmentRow(c)],
      detach: [a],
      tokens: ["newer"],
      issued: 10,
      acked: 10,
    };
    same(await stage.store.sessions.commit(row.id, 2, fenced), "fenced");
    await stage.holds(async (held) => same(await stateOf(held, row.id), expected));
  }),

  storeCase(
    "what a commit does not name stays, and only a claim unsets what was issued",
    {},
    async (stage) => {
      const row = sessionRow({ issued: 4, acked: 4 });
      await stage.store.sessions.insert(row);
      const after = async (change: object, expected: object) => {
        same(await stage.store.sessions.commit(row.id, 1, change), "committed");
        await stage.holds(async ({ sessions }) =>
          same(await sessions.get(row.id), { ...row, ...expected }),
        );
      };
      await after({}, {});
      await after({ acked: 5 }, { acked: 5 });
      await after({ issued: 0 }, { acked: 5, issued: 0 });
      await after({ issued: 12, acked: 0 }, { acked: 0, issued: 12 });
      await stage.store.sessions.claim(row.id, 1, row.tokens);
      await stage.holds(async ({ sessions }) =>
        same(await sessions.get(row.id), { ...row, epoch: 2, acked: 0, issued: undefined }),
      );
    },
  ),

  storeCase("attachments keep the order in which the session began them", {}, async (stage) => {
    const row = sessionRow();
    const { sessions } = stage.store;
    await sessions.insert(row);
    const other = sessionRow();
    await sessions.insert(other);
    const [a, b, c, d] = [newJobId(), newJobId(), newJobId(), newJobId()];
    await sessions.commit(other.id, 1, { attach: [attachmentRow(a, { after: 77 })] });
    const attach = (...jobs: (typeof a)[]) => ({ attach: jobs.map((job) => attachmentRow(job)) });
    const watched = attachmentRow(d, { role: "observer", request: newMessageId("req_") });
    await sessions.commit(row.id, 1, { attach: [watched] });
    await sessions.commit(row.id, 1, attach(d, b));
    await sessions.commit(row.id, 1, attach(a, c));
    await sessions.commit(row.id, 1, { detach: [b, newJobId()] });
    const jobs = async () => (await stage.store.sessions.attachments(row.id)).map(({ job }) => job);
    await stage.holds(async () => same(await jobs(), [d, a, c]));
    await stage.store.sessions.commit(row.id, 1, attach(b));
    await stage.store.sessions.commit(row.id, 1, { attach: [attachmentRow(d, { after: 9 })] });
    await stage.holds(async (held) => {
      same(await jobs(), [a, c, b, d]);
      same((await held.sessions.attachments(row.id)).at(-1), attachmentRow(d, { after: 9 }));
      same(await held.sessions.attachments(other.id), [attachmentRow(a, { after: 77 })]);
    });
  }),

  storeCase(
    "commits that wait for nothing take place in the order of the calls",
    {},
    async (stage) => {
      const row = sessionRow();
      const { sessions } = stage.store;
      const job = newJobId();
      const calls = Array.from({ length: 30 }, (_, index) =>
        sessions.commit(row.id, 1, { acked: index, runs: [ownerRun(index + 1, job, index + 1)] }),
      );
      same(new Set(await Promise.all(calls)), new Set(["fenced"]), "not yet inserted");
      const inserting = sessions.insert(row);
      const committed = Array.from({ length: 30 }, (_, index) =>
        sessions.commit(row.id, 1, { acked: index, runs: [ownerRun(index + 1, job, index + 1)] }),
      );
      await Promise.all([inserting, ...committed]);
      await stage.holds(async (store) => {
        same((await store.sessions.get(row.id))?.acked, 29);
        assert.equal((await store.sessions.runs(row.id)).length, 30);
      });
    },
  ),
];
