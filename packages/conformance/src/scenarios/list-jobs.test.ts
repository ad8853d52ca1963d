import { describe, expect, test } from "vitest";
import { ways } from "../../test/line.ts";
import { Stage, tokens } from "../../test/stage.ts";
import type { Sent } from "../wire/sent.ts";
import type { StreamEnvelope } from "../wire/stream-envelope.ts";
import type { WireClient } from "../wire/wire-client.ts";

const isTerminal = ({ type }: StreamEnvelope): boolean => type !== "job.event";
const list = async (wire: WireClient, query: Sent<"session.list_jobs"> = {}) =>
  (await wire.request("session.list_jobs", query)).payload;

describe.each(ways)("over %s", (way) => {
  test("R-7.3-11 and R-6.6-7: an entry shows the state and how far the job got, running or finished", async () => {
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
});
