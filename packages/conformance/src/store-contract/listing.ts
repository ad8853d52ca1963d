import { type JobId, newMessageId, newSessionId } from "@arcp/core";
import type { JobQuery, JobRow, Store } from "@arcp/runtime/store";
import { same } from "./equality.ts";
import { jobRow, listed } from "./sample-row.ts";
import { type StoreCase, storeCase } from "./store-case.ts";

async function inserted(store: Store, rows: readonly JobRow[]): Promise<void> {
  for (const row of rows) await store.jobs.insert(row);
}

/** Ids that sort as their numbers do. */
function numbered(index: number): JobId {
  return `job_${`${index}`.padStart(4, "0")}` as JobId;
}

export const listingCases: readonly StoreCase[] = [
  storeCase("every filter of a listing filters, and all of them together", {}, async (stage) => {
    const [session, submittedIn] = [newSessionId(), newSessionId()];
    const request = newMessageId();
    const parent = numbered(99);
    const wanted = jobRow({
      id: numbered(0),
      principal: "bob",
      session,
      submittedIn,
      request,
      parent,
      agent: "sum@1.0.0",
      status: "success",
      acceptedAt: 100,
    });
    const queries: readonly Omit<JobQuery, "limit">[] = [
      { principal: "bob" },
      { session },
      { request },
      { statuses: ["error", "success"] },
      { agent: "sum" },
      { agent: "sum@1.0.0" },
      { acceptedBefore: 101 },
      { acceptedAfter: 99 },
      { after: { acceptedAt: 100, id: "job_" as JobId } },
      { submittedIn },
      { parent },
    ];
    const others: readonly JobRow[] = [
      jobRow({ ...wanted, id: numbered(1), principal: "bobby" }),
      jobRow({ ...wanted, id: numbered(2), session: newSessionId() }),
      jobRow({ ...wanted, id: numbered(3), request: newMessageId() }),
      jobRow({ ...wanted, id: numbered(4), status: "timed_out" }),
      jobRow({ ...wanted, id: numbered(5), agent: "sum-up@1.0.0" }),
      jobRow({ ...wanted, id: numbered(6), agent: "sum@1.0.0-rc.1" }),
      jobRow({ ...wanted, id: numbered(7), acceptedAt: 101 }),
      jobRow({ ...wanted, id: numbered(8), acceptedAt: 99 }),
      jobRow({ ...wanted, id: numbered(9), submittedIn: session }),
      jobRow({ ...wanted, id: numbered(10), submittedIn: undefined }),
      jobRow({ ...wanted, id: numbered(11), parent: numbered(98) }),
      jobRow({ ...wanted, id: numbered(12), parent: undefined }),
    ];
    const all = [wanted, ...others];
    await inserted(stage.store, all);
    const without = (...indices: readonly number[]) =>
      all
        .filter((_, index) => !indices.includes(index))
        .map(listed)
        .sort((a, b) => a.acceptedAt - b.acceptedAt || (a.id < b.id ? -1 : 1));
    const expected = [[1], [2], [3], [4], [5], [5, 6], [7], [8], [8], [9, 10], [11, 12]];
    await stage.holds(async ({ jobs }) => {
      for (const [index, query] of queries.entries()) {
        const message = JSON.stringify(query);
        same(
          await jobs.list({ ...query, limit: 99 }),
          without(...(expected[index] ?? [])),
          message,
        );
      }
      const every: JobQuery = Object.assign({ limit: 99 }, ...queries);
      same(await jobs.list(every), [listed(wanted)]);
      same(await jobs.list({ limit: 99 }), without());
      same(await jobs.list({ statuses: [], limit: 99 }), []);
      same(await jobs.list({ ...every, principal: "carol" }), []);
      same(await jobs.list({ acceptedAfter: 100, acceptedBefore: 101, limit: 99 }), []);
    });
  }),

  storeCase(
    "a job that is inserted again is listed where its new row belongs",
    {},
    async (stage) => {
      const first = jobRow({ id: numbered(0), acceptedAt: 100 });
      const second = jobRow({ id: numbered(1), acceptedAt: 101 });
      await inserted(stage.store, [
        first,
        second,
        { ...second, principal: "bob" },
        { ...first, acceptedAt: 102 },
      ]);
      await stage.holds(async ({ jobs }) => {
        const ids = async (query: Partial<JobQuery>) =>
          (await jobs.list({ limit: 99, ...query })).map(({ id }) => id);
        same(await ids({}), [second.id, first.id]);
        same(await ids({ principal: "bob" }), [second.id]);
        same(await ids({ principal: first.principal }), [first.id]);
      });
    },
  ),

  storeCase("the name of an agent fits its versions, and no name that it begins", {}, async (s) => {
    const agents = ["sum@1.0.0", "sum@2.0.0", "sum", "summary@1.0.0", "su@1.0.0", "Sum@1.0.0"];
    const rows = agents.map((agent, index) => jobRow({ id: numbered(index), agent }));
    await inserted(s.store, rows);
    await s.holds(async ({ jobs }) => {
      const fitting = async (agent: string) =>
        (await jobs.list({ agent, limit: 99 })).map((row) => row.agent);
      same(await fitting("sum"), ["sum@1.0.0", "sum@2.0.0", "sum"]);
      same(await fitting("sum@1.0.0"), ["sum@1.0.0"]);
      for (const none of ["sum@1", "su_", "s%", "", "sum@"]) same(await fitting(none), [], none);
    });
  }),

  storeCase(
    "R-6.6-4: jobs are listed by the moment of their acceptance and then by id",
    { requirements: ["R-6.6-4"] },
    async (stage) => {
      const rows = Array.from({ length: 60 }, (_, index) =>
        jobRow({ id: numbered((index * 37) % 60), acceptedAt: 1000 - (index % 4) }),
      );
      // Compared as ASCII characters, by no language's rules.
      for (const id of ["job_b", "job_B", "job_aB", "job_a_B", "job_A_b", "job_a-b"] as JobId[])
        rows.push(jobRow({ id, acceptedAt: 999 }));
      await inserted(stage.store, rows);
      const ordered = rows
        .map(listed)
        .sort((a, b) => a.acceptedAt - b.acceptedAt || (a.id < b.id ? -1 : 1));
      await stage.holds(async ({ jobs }) => {
        same(await jobs.list({ limit: 1000 }), ordered);
        same(await jobs.list({ limit: 7 }), ordered.slice(0, 7));
        same(await jobs.list({ principal: "alice", limit: 50 }), ordered.slice(0, 50));
      });
    },
  ),

  storeCase(
    "R-6.6-5: pages neither repeat nor skip a job while others come, end and go",
    { requirements: ["R-6.6-5"] },
    async (stage) => {
      const { jobs } = stage.store;
      // All from one moment, so that the id alone decides; every third stays throughout.
      const rows = Array.from({ length: 90 }, (_, i) => jobRow({ id: numbered(i), acceptedAt: 7 }));
      await inserted(stage.store, rows);
      const seen: JobId[] = [];
      for (let turn = 0; ; turn++) {
        const last = seen.at(-1);
        const after = last === undefined ? {} : { after: { acceptedAt: 7, id: last } };
        const page = await jobs.list({ principal: "alice", ...after, limit: 4 });
        seen.push(...page.map(({ id }) => id));
        if (page.length < 4) break;
        const removed = rows[turn * 3 + 1];
        const ended = rows[89 - turn * 3];
        if (removed !== undefined) await jobs.remove(removed.id);
        if (ended !== undefined) await jobs.update(ended.id, { status: "success", finishedAt: 9 });
        await jobs.insert(jobRow({ id: `${numbered(turn)}_new` as JobId, acceptedAt: 7 }));
        await jobs.insert(jobRow({ id: `job_0_${turn}` as JobId, acceptedAt: 6 }));
      }
      same(new Set(seen).size, seen.length);
      const staying = rows.filter((_, index) => index % 3 !== 1).map(({ id }) => id);
      same(
        staying.filter((id) => !seen.includes(id)),
        [],
      );
      same(seen, seen.toSorted());
    },
  ),

  storeCase(
    "R-14-2: a listing leaves out what may be large, and a single job has it",
    { requirements: ["R-14-2"] },
    async (stage) => {
      const large = JSON.stringify("x".repeat(1 << 20));
      const rows = Array.from({ length: 20 }, (_, index) =>
        jobRow({ id: numbered(index), input: large, checkpoint: large }),
      );
      await inserted(stage.store, rows);
      await stage.holds(async ({ jobs }) => {
        const page = await jobs.list({ limit: 99 });
        same(page, rows.map(listed));
        same(JSON.stringify(page).length < 20_000, true);
        for (const row of rows.slice(0, 2)) same(await jobs.get(row.id), row);
      });
    },
  ),

  storeCase("a page begins behind a job that is no longer there", {}, async ({ store }) => {
    const rows = [1, 2, 3].map((index) => jobRow({ id: numbered(index), acceptedAt: index }));
    await inserted(store, rows);
    await store.jobs.remove(numbered(2));
    const after = { acceptedAt: 2, id: numbered(2) };
    same(await store.jobs.list({ after, limit: 9 }), rows.slice(2).map(listed));
  }),
];
