import { describe, expect, test } from "vitest";
import { ways } from "../../test/line.ts";
import { Stage, tokens } from "../../test/stage.ts";
import type { Sent } from "../wire/sent.ts";
import type { StreamEnvelope } from "../wire/stream-envelope.ts";
import type { WireClient } from "../wire/wire-client.ts";

const isTerminal = ({ type }: StreamEnvelope): boolean => type !== "job.event";
const list = async (wire: WireClient, query: Sent<"session.list_jobs"> = {}) =>
  (await wire.request("session.list_jobs", query)).payload;

/** All pages of a listing. */
async function all(
  wire: WireClient,
  query: Sent<"session.list_jobs">,
  between: () => Promise<unknown> = async () => {},
): Promise<string[]> {
  const ids: string[] = [];
  let cursor: string | null | undefined;
  do {
    const page = await list(wire, { ...query, ...(cursor && { cursor }) });
    expect(page.jobs.length).toBeLessThanOrEqual(query.limit ?? 100);
    ids.push(...page.jobs.map(({ job_id }) => job_id));
    cursor = page.next_cursor;
    await between();
  } while (cursor !== null);
  return ids;
}

describe.each(ways)("over %s", (way) => {
  test("R-6.6-1, R-6.6-2 and R-6.6-4: every session of a principal lists its jobs, oldest first, and nobody else's", async () => {
    await using stage = await Stage.open(way);
    const [alice, second, bob] = [
      await stage.greeted(),
      await stage.greeted({ token: tokens.alice2 }),
      await stage.greeted({ token: tokens.bob }),
    ];
    const hers: string[] = [];
    for (let i = 0; i < 4; i++) {
      hers.push((await stage.played(i % 2 === 0 ? alice : second)).id);
      await stage.played(bob);
    }
    for (const wire of [alice, second]) {
      const { jobs, next_cursor } = await list(wire);
      const places = jobs.map(({ created_at, job_id }) => `${created_at} ${job_id}`);
      expect(places).toEqual([...places].sort());
      expect(jobs.map(({ job_id }) => job_id).sort()).toEqual([...hers].sort());
      expect(next_cursor).toBeNull();
      expect(await all(wire, { limit: 3 })).toEqual(jobs.map(({ job_id }) => job_id));
    }
    expect((await list(bob, { limit: 4 })).next_cursor).toBeNull();
  });

  test("R-7.3-11 and R-6.6-7: an entry tells the state and how far the job got, running or finished", async () => {
    await using stage = await Stage.open(way);
    const wire = await stage.greeted();
    const watcher = await stage.greeted({ token: tokens.alice2 });
    const { id, accepted, puppet } = await stage.played(wire, {
      lease_request: { "tool.call": ["a*"] },
    });
    await puppet.ctx.thought("a");
    await wire.until((e) => e.event_seq === 2);
    const entry = {
      job_id: id,
      agent: "puppet",
      lease: { "tool.call": ["a*"] },
      parent_job_id: null,
      created_at: accepted.payload.accepted_at,
      trace_id: accepted.payload.trace_id,
    };
    const running = { ...entry, status: "running", last_event_seq: 2, last_job_seq: 2 };
    expect((await list(watcher)).jobs).toEqual([running]);
    expect((await list(wire, { filter: { status: ["success"] } })).jobs).toEqual([]);
    puppet.finish("done");
    await wire.until(isTerminal);
    const finished = { ...entry, status: "success", last_event_seq: 3, last_job_seq: 3 };
    const page = await list(watcher, { filter: { status: ["success"] } });
    expect(page.jobs).toEqual([finished]);
  });

  test("R-6.6-5: while jobs start and end, no job that stays is repeated or skipped", async () => {
    await using stage = await Stage.open(way);
    const wire = await stage.greeted();
    const jobs: Awaited<ReturnType<Stage["played"]>>[] = [];
    for (let i = 0; i < 10; i++) jobs.push(await stage.played(wire));
    let next = 9;
    const ids = await all(wire, { limit: 2 }, async () => {
      if (next < 4) return;
      jobs[next]?.puppet.finish();
      next -= 1;
      await stage.played(wire);
    });
    expect(new Set(ids).size).toBe(ids.length);
    expect(ids).toEqual(expect.arrayContaining(jobs.map(({ id }) => id)));
  });

  test("R-6.6-6: a cursor, an agent, a state, a time and a limit that are none are refused", async () => {
    await using stage = await Stage.open(way);
    const wire = await stage.greeted();
    const wrong: [string, object][] = [
      ["cursor", { cursor: "no cursor" }],
      ["agent", { filter: { agent: "puppet@" } }],
      ["status", { filter: { status: ["sleeping"] } }],
      ["created_after", { filter: { created_after: "2026-02-30T00:00:00Z" } }],
      ["limit", { limit: 0 }],
    ];
    for (const [field, payload] of wrong) {
      const id = `req_${field}`;
      await wire.send({ id, type: "session.list_jobs", payload }, { faulty: true });
      const refusal = await wire.notice((e) => e.type === "session.error");
      expect(refusal.payload, field).toMatchObject({ code: "INVALID_REQUEST", request_id: id });
      expect(JSON.stringify(refusal.payload)).toContain(field);
    }
    expect((await list(wire, { limit: 1 })).jobs).toEqual([]);
  });
});
