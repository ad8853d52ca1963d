import { newJobId } from "@arcp/core";
import type { SessionChange } from "@arcp/runtime/store";
import { same } from "./equality.ts";
import { attachmentRow, ownerRun, sessionRow } from "./sample-row.ts";
import { type StoreCase, storeCase } from "./store-case.ts";

export const journalCases: readonly StoreCase[] = [
  storeCase("P1: runs replace what stands at or above the first of them", {}, async (stage) => {
    const [row, other] = [sessionRow(), sessionRow()];
    for (const inserted of [row, other]) await stage.store.sessions.insert(inserted);
    const job = newJobId();
    const kept = [ownerRun(5, job, 1), ownerRun(11, job, 4)];
    await stage.store.sessions.commit(other.id, 1, { runs: kept });
    const after = async (given: readonly [number, number][], expected: readonly number[][]) => {
      const runs = given.map(([from, jobFrom]) => ownerRun(from, job, jobFrom));
      await stage.store.sessions.commit(row.id, 1, { runs });
      await stage.holds(async ({ sessions }) => {
        const held = await sessions.runs(row.id);
        same(
          held.map(({ from, jobFrom }) => [from, jobFrom]),
          expected,
        );
        same(await sessions.runs(other.id), kept);
      });
    };
    await after([[1, 1]], [[1, 1]]);
    const first: [number, number][] = [
      [5, 9],
      [10, 2],
    ];
    await after(first, [[1, 1], ...first]);
    await after([], [[1, 1], ...first]);
    await after(
      [[10, 3]],
      [
        [1, 1],
        [5, 9],
        [10, 3],
      ],
    );
    await after(
      [[7, 20]],
      [
        [1, 1],
        [5, 9],
        [7, 20],
      ],
    );
    await after(
      [
        [5, 7],
        [8, 1],
      ],
      [
        [1, 1],
        [5, 7],
        [8, 1],
      ],
    );
    await after(
      [[100, 4]],
      [
        [1, 1],
        [5, 7],
        [8, 1],
        [100, 4],
      ],
    );
    await after([[1, 2]], [[1, 2]]);
  }),

  storeCase(
    "R-6.3-18: a session is forgotten with its place in every job; its runs stay until they are removed",
    { requirements: ["R-6.3-18"] },
    async (stage) => {
      const [row, other] = [sessionRow(), sessionRow()];
      const job = newJobId();
      const runs = [ownerRun(1, job, 1), ownerRun(9, job, 30)];
      const { sessions } = stage.store;
      for (const { id } of [row, other]) {
        await sessions.insert(id === row.id ? row : other);
        await sessions.commit(id, 1, { runs, attach: [attachmentRow(job)] });
      }
      await sessions.removeRuns(row.id);
      await stage.holds(async (store) => same(await store.sessions.runs(row.id), runs));
      await stage.store.sessions.forget(row.id);
      await stage.store.sessions.forget(row.id);
      await stage.holds(async (store) => {
        same(await store.sessions.get(row.id), undefined);
        same(await store.sessions.list(), [other.id]);
        same(await store.sessions.attachments(row.id), []);
        same(await store.sessions.runs(row.id), runs);
        same(await store.sessions.commit(row.id, 1, { runs: [ownerRun(1, job, 2)] }), "fenced");
        same(await store.sessions.claim(row.id, 1, ["late"]), "fenced");
      });
      await stage.store.sessions.removeRuns(row.id);
      await stage.holds(async (store) => {
        same(await store.sessions.runs(row.id), []);
        same(await store.sessions.runs(other.id), runs);
        same(await store.sessions.attachments(other.id), [attachmentRow(job)]);
      });
    },
  ),

  storeCase(
    "P1: what a session said itself comes back to the letter, and is replaced like any run",
    {},
    async (stage) => {
      const row = sessionRow();
      const job = newJobId();
      await stage.store.sessions.insert(row);
      const notice = { ...ownerRun(4, job, 3), said: '"id":"msg_1","payload":{"a":"\u00e9\n☃"}}' };
      const runs = [ownerRun(1, job, 1), notice, ownerRun(5, job, 4)];
      await stage.store.sessions.commit(row.id, 1, { runs });
      await stage.holds(async ({ sessions }) => same(await sessions.runs(row.id), runs));
      const again = [ownerRun(4, job, 4)];
      await stage.store.sessions.commit(row.id, 1, { runs: again });
      await stage.holds(async ({ sessions }) => {
        same(await sessions.runs(row.id), [ownerRun(1, job, 1), ...again]);
      });
    },
  ),

  storeCase(
    "P3: a cut takes the runs that begin in it and closes the one before, so that holes can be told and grow together",
    { requirements: ["R-6.5-2"] },
    async (stage) => {
      const [row, other] = [sessionRow(), sessionRow()];
      const job = newJobId();
      const runs = [1, 4, 9, 12, 20].map((from) => ownerRun(from, job, from));
      for (const { id } of [row, other]) {
        await stage.store.sessions.insert(id === row.id ? row : other);
        await stage.store.sessions.commit(id, 1, { runs });
      }
      const after = async (
        change: SessionChange,
        expected: readonly (readonly [from: number, to?: number])[],
      ) => {
        same(await stage.store.sessions.commit(row.id, 1, change), "committed");
        await stage.holds(async ({ sessions }) => {
          same(
            await sessions.runs(row.id),
            expected.map(([from, to]) => ({
              ...ownerRun(from, job, from),
              ...(to !== undefined && { to }),
            })),
          );
          same(await sessions.runs(other.id), runs);
        });
      };
      same(await stage.store.sessions.commit(row.id, 2, { cut: [{ from: 1, to: 99 }] }), "fenced");
      await after({ cut: [] }, [[1], [4], [9], [12], [20]]);
      await after({ cut: [{ from: 9, to: 11 }] }, [[1], [4, 8], [12], [20]]);
      // Next to a hole: what was closed before stays closed where it was.
      await after({ cut: [{ from: 12, to: 19 }] }, [[1], [4, 8], [20]]);
      await after({ cut: [{ from: 4, to: 8 }] }, [[1, 3], [20]]);
      // Nothing begins in it: it only closes.
      await after({ cut: [{ from: 31, to: 30 }] }, [
        [1, 3],
        [20, 30],
      ]);
      await after({ cut: [{ from: 1, to: 3 }] }, [[20, 30]]);
      const next = [ownerRun(31, job, 31), ownerRun(33, job, 33)];
      await after({ runs: next }, [[20, 30], [31], [33]]);
      await after(
        {
          runs: [ownerRun(40, job, 40)],
          cut: [
            { from: 20, to: 30 },
            { from: 33, to: 39 },
            { from: 41, to: Number.MAX_SAFE_INTEGER },
          ],
        },
        [
          [31, 32],
          [40, 40],
        ],
      );
      await after({ cut: [{ from: 1, to: Number.MAX_SAFE_INTEGER }] }, []);
      await after({ cut: [{ from: 5, to: 4 }] }, []);
      await after({ runs: [{ ...ownerRun(7, job, 7), to: 9 }] }, [[7, 9]]);
    },
  ),

  storeCase("a long journal comes back whole and in order", {}, async (stage) => {
    const row = sessionRow();
    const jobs = Array.from({ length: 3 }, newJobId);
    await stage.store.sessions.insert(row);
    const runs = Array.from({ length: 3000 }, (_, index) =>
      ownerRun(index * 3 + 1, jobs[index % 3] ?? newJobId(), index + 1),
    );
    for (let from = 0; from < runs.length; from += 100) {
      const part = runs.slice(from, from + 100);
      await stage.store.sessions.commit(row.id, 1, { runs: part });
    }
    await stage.holds(async ({ sessions }) => same(await sessions.runs(row.id), runs));
  }),
];
