import assert from "node:assert/strict";
import { formatTimestamp } from "@arcp/core";
import type { Sent } from "../../wire/sent.ts";
import type { WireClient } from "../../wire/wire-client.ts";
import { credentials, newLabel, wanting } from "../credential-account.ts";
import { endsJob } from "../job-end.ts";
import { subscribe } from "../job-request.ts";
import { feature } from "../need.ts";
import { refusedWith } from "../refusal.ts";
import type { Scenario } from "../scenario.ts";
import type { Play } from "../site.ts";
import { reached, thought } from "../thought.ts";

type Query = Sent<"session.list_jobs">;

const needs = [feature("list_jobs")] as const;

const list = async (wire: WireClient, query: Query = {}) =>
  (await wire.request("session.list_jobs", query)).payload;

type Page = Awaited<ReturnType<typeof list>>;

/** More pages than any listing of a scenario has. */
const MANY = 1000;

/** All pages of a listing. */
async function pagesOf(
  wire: WireClient,
  query: Query,
  between: () => Promise<unknown> = async () => {},
): Promise<Page[]> {
  const pages: Page[] = [];
  let cursor: string | null | undefined;
  do {
    const page = await list(wire, { ...query, ...(cursor && { cursor }) });
    pages.push(page);
    cursor = page.next_cursor;
    assert.ok(pages.length <= MANY, `R-6.6-5: no end after ${pages.length} pages`);
    await between();
  } while (cursor !== null);
  return pages;
}

const idsOf = (pages: readonly Page[]): string[] =>
  pages.flatMap(({ jobs }) => jobs.map(({ job_id }) => job_id));

/** Only jobs from this one on: the principal may have many others. */
const since = ({ accepted }: Play) => ({
  created_after: formatTimestamp(Date.parse(accepted.payload.accepted_at ?? "") - 1),
});

export const listJobs: readonly Scenario[] = [
  {
    name: "every session of a principal lists its jobs, oldest first, and nobody else's",
    verifies: ["R-6.6-1", "R-6.6-2", "R-6.6-4"],
    needs,
    async play(site) {
      const mine = [await site.greeted(), await site.greeted()];
      const other = await site.greeted({ who: "second" });
      const gate = site.gate();
      const hers: Play[] = [];
      const theirs: Play[] = [];
      for (let i = 0; i < 6; i++) {
        for (const wire of mine) hers.push(await site.play(wire, [gate.step]));
        theirs.push(await site.play(other, [gate.step]));
      }
      const filter = since(hers[0] as Play);
      for (const wire of mine) {
        const { jobs: all } = await list(wire, { filter, limit: 1000 });
        const places = all.map(({ created_at, job_id }) => `${created_at} ${job_id}`);
        assert.deepEqual(places, places.toSorted(), "R-6.6-4: by created_at, then by job_id");
        const pages = await pagesOf(wire, { filter, limit: 4 });
        const ids = idsOf(pages);
        for (const { id } of hers) {
          assert.ok(ids.includes(id), "R-6.6-1: it is listed whichever session submitted it");
        }
        for (const { id } of theirs) {
          assert.ok(!ids.includes(id), "R-6.6-1: another principal's job is not listed");
        }
        for (const { jobs } of pages.slice(0, -1)) {
          assert.equal(jobs.length, 4, "R-6.6-2: jobs of others take no room on a page");
        }
        for (const { next_cursor } of pages) {
          const text = `${next_cursor} ${Buffer.from(next_cursor ?? "", "base64").toString()}`;
          for (const { id } of theirs) {
            assert.ok(!text.includes(id), "R-6.6-2: a cursor names nobody else's job");
          }
        }
      }
      const ids = idsOf(await pagesOf(other, { filter }));
      assert.ok(!hers.some(({ id }) => ids.includes(id)), "R-6.6-1: the other way round");
      await gate.open();
    },
  },
  {
    name: "while jobs start and end, paging neither repeats nor skips one that stays",
    verifies: ["R-6.6-5"],
    needs,
    async play(site) {
      const wire = await site.greeted();
      const hold = site.gate();
      const stays: Play[] = [];
      const ends: (Play & { readonly gate: ReturnType<typeof site.gate> })[] = [];
      for (let i = 0; i < 6; i++) {
        stays.push(await site.play(wire, [hold.step]));
        const gate = site.gate();
        ends.push({ ...(await site.play(wire, [gate.step])), gate });
      }
      const filter = since(stays[0] as Play);
      const changing = ends.values();
      const pages = await pagesOf(wire, { filter, limit: 2 }, async () => {
        const { value } = changing.next();
        if (value === undefined) return;
        await value.gate.open();
        await wire.next(endsJob(value.id));
        await site.play(wire, [hold.step]);
      });
      const ids = idsOf(pages);
      assert.equal(new Set(ids).size, ids.length, "R-6.6-5: none is repeated");
      for (const { id } of stays) assert.ok(ids.includes(id), "R-6.6-5: none is skipped");
      await hold.open();
    },
  },
  {
    name: "an entry describes the job, and says how far the stream of the session that submitted it has got",
    verifies: ["R-6.6-7"],
    needs: [...needs, feature("subscribe")],
    async play(site) {
      const owner = await site.greeted();
      const gate = site.gate();
      // The numbers of its owner differ from those of the job and of a viewer.
      await site.played(owner, []);
      const lease_request = { "tool.call": ["a.*"] };
      const play = await site.play(owner, [thought("seen"), gate.step], { lease_request });
      const { id, accepted } = play;
      const seen = await reached(owner, "seen");
      const watcher = await site.greeted();
      await subscribe(watcher, id, { history: true });
      await reached(watcher, "seen");
      const query = { filter: since(play), limit: 1000 };
      const entryOf = async () =>
        (await list(watcher, query)).jobs.find(({ job_id }) => job_id === id);
      const running = await entryOf();
      assert.equal(running?.last_event_seq, seen, "R-6.6-7: the owner's number");
      const { agent, status, lease, parent_job_id, created_at } = running;
      assert.deepEqual(
        { agent, status, lease, parent_job_id, created_at },
        {
          agent: "conformance.script",
          status: "running",
          lease: lease_request,
          parent_job_id: null,
          created_at: accepted.payload.accepted_at,
        },
      );
      await gate.open();
      await owner.until(endsJob(id));
      const finished = await entryOf();
      assert.equal(finished?.last_event_seq, owner.lastEventSeq, "R-6.6-7: its last one");
      assert.equal(finished.status, "success");
    },
  },
  {
    name: "an invalid cursor, agent, state, time or limit is refused, and the session continues",
    verifies: ["R-6.6-6", "R-5.3-6"],
    needs,
    async play(site) {
      const wire = await site.greeted();
      const wrong: readonly [field: string, query: object][] = [
        ["cursor", { cursor: "xyz" }],
        ["cursor", { cursor: Buffer.from('{"a":1}').toString("base64url") }],
        ["agent", { filter: { agent: "conformance.script@" } }],
        ["agent", { filter: { agent: "No Agent" } }],
        ["status", { filter: { status: ["running", "sleeping"] } }],
        ["created_after", { filter: { created_after: "yesterday" } }],
        ["created_after", { filter: { created_after: "2026-02-30T00:00:00Z" } }],
        ["limit", { limit: 0 }],
        ["limit", { limit: -1 }],
        ["limit", { limit: 1.5 }],
        ["limit", { limit: "ten" }],
      ];
      for (const [index, [field, payload]] of wrong.entries()) {
        const id = `req_wrong_${index}`;
        const query = JSON.stringify(payload);
        await wire.send({ id, type: "session.list_jobs", payload }, { faulty: true });
        const refused = wire.reply("session.list_jobs", id);
        const { payload: error } = await refusedWith(
          refused,
          "INVALID_REQUEST",
          `R-6.6-6: ${query}`,
        );
        const said = `${error.message} ${JSON.stringify(error.details)}`;
        assert.ok(said.includes(field), `R-5.3-6: no word of ${field} for ${query}: ${said}`);
      }
      // A limit above the largest page is not an error.
      const filter = { status: ["pending"] as ["pending"] };
      assert.ok((await list(wire, { filter, limit: 100_000 })).jobs.length <= 1000);
    },
  },
  {
    name: "credentials appear in the acceptance of their job, and never in a listing",
    verifies: ["R-6.6-3"],
    needs: [...needs, credentials],
    async play(site) {
      const wire = await site.greeted();
      const gate = site.gate();
      const lease_request = wanting("plain", newLabel());
      const play = await site.play(wire, [gate.step], { lease_request });
      const given = play.accepted.payload.credentials ?? [];
      assert.ok(given.length > 0);
      const { jobs } = await list(wire, { filter: since(play), limit: 1000 });
      assert.ok(jobs.some(({ job_id }) => job_id === play.id));
      const said = JSON.stringify(jobs);
      assert.ok(!said.includes('"credentials"'), "R-6.6-3: no credentials");
      for (const { value } of given) {
        assert.ok(!said.includes(`${value}`), "R-6.6-3: no secret in any other place");
      }
      await gate.open();
    },
  },
];
