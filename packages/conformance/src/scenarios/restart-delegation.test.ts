import { type Envelope, ManualClock } from "@arcp/core";
import { describe, expect, test } from "vitest";
import { durableWays } from "../../test/line.ts";
import { Puppets } from "../../test/puppets.ts";
import { Stage, settled } from "../../test/stage.ts";
import type { StreamEnvelope } from "../wire/stream-envelope.ts";

const isTerminal = ({ type }: StreamEnvelope): boolean => type !== "job.event";
const isAcceptance = (envelope: Envelope): envelope is Envelope<"job.accepted"> =>
  envelope.type === "job.accepted";
const delegating = { "agent.delegate": ["*"] };
const orphaned = { code: "CANCELLED", details: { reason: "parent_ended" } };

describe.each(durableWays)("over %s, through a crash of the runtime", (way) => {
  test("R-10-6: a crash leaves no child running, and each has one end", async () => {
    await using stage = await Stage.open(way);
    const wire = await stage.greeted();
    const { id, puppet } = await stage.played(wire, { lease_request: delegating });
    const done = await puppet.ctx.delegate("puppet");
    const its = await stage.puppets.next();
    const running = await puppet.ctx.delegate("puppet");
    await stage.puppets.next();
    its.finish("ready");
    await done.result();
    await wire.next((e) => isTerminal(e) && e.job_id === done.id);
    await stage.restart();
    const again = await stage.resumed(wire);
    const ends = [await again.next(isTerminal), await again.next(isTerminal)];
    expect(Object.fromEntries(ends.map(({ job_id, payload }) => [job_id, payload]))).toMatchObject({
      [id]: { code: "INTERNAL_ERROR", retryable: true },
      [running.id]: orphaned,
    });
    const { payload } = await again.request("session.list_jobs", {});
    const jobs = payload.jobs.map(({ job_id, ...rest }) => [job_id, rest]);
    expect(Object.fromEntries(jobs)).toMatchObject({
      [id]: { parent_job_id: null, status: "error" },
      [done.id]: { parent_job_id: id, status: "success" },
      [running.id]: { parent_job_id: id, status: "cancelled" },
    });
  });

  test("R-10-6 and R-7.3-10: a parent that is run again delegates anew, and has paid for what its first children spent", async () => {
    const team = new Puppets({ name: "team", attempts: 2 });
    const clock = new ManualClock();
    await using stage = await Stage.open(way, { clock, agents: [team.agent] });
    const wire = await stage.greeted();
    const lease_request = { ...delegating, "cost.budget": ["USD:1"] };
    const { payload } = await wire.submit({ agent: "team", lease_request });
    const first = await team.next();
    const grant = { lease: { "cost.budget": ["USD:0.6"] } };
    const lost = await first.ctx.delegate("puppet", null, grant);
    const its = await stage.puppets.next();
    await its.ctx.metric({ name: "cost.x", value: 0.25, unit: "USD" });
    for (const { ctx } of [first, its]) ctx.spend.reserve({ USD: "0.3" });
    await its.ctx.flush();
    await first.ctx.flush();
    await wire.next((e) => e.job_id === lost.id && e.job_seq === 3);
    await stage.restart();
    const again = await stage.resumed(wire);
    const second = await team.next();
    expect(second.ctx.budget.available()).toEqual({ USD: "0.75" });
    expect((await again.next(isTerminal)).payload).toMatchObject(orphaned);
    const next = await second.ctx.delegate("puppet", null, grant);
    (await stage.puppets.next()).finish("again");
    expect(await next.result()).toBe("again");
    second.finish();
    const ends = [await again.next(isTerminal), await again.next(isTerminal)];
    expect(new Set(ends.map(({ job_id }) => job_id))).toEqual(new Set([next.id, payload.job_id]));
  });

  test("R-10-2 and R-6.3-8: a child that nobody was told of before the crash is introduced in its place after it", async () => {
    await using stage = await Stage.open(way);
    const wire = await stage.greeted();
    const { id, puppet } = await stage.played(wire, { lease_request: delegating });
    await wire.next();
    await stage.drop(wire);
    await settled();
    const child = await puppet.ctx.delegate("puppet", { page: 1 });
    (await stage.puppets.next()).finish("found");
    await child.result();
    await puppet.ctx.flush();
    await stage.restart();
    const again = await stage.resumed(wire);
    // The sniffer checks that the acceptance comes between the delegation and the child's first event.
    const seen = [...(await again.until(isTerminal)), ...(await again.until(isTerminal))];
    expect((await again.notice(isAcceptance)).payload).toMatchObject({
      job_id: child.id,
      parent_job_id: id,
    });
    expect(seen.map(({ event_seq }) => event_seq)).toEqual(seen.map((_, i) => i + 2));
    expect(seen.filter(({ job_id }) => job_id === child.id).at(-1)?.payload).toMatchObject({
      result: "found",
    });
    // And once more, in case any of it was lost in flight.
    await stage.drop(again);
    await stage.restart();
    const third = await stage.resumed(again, { lastEventSeq: 1 });
    const repeated = await third.until(({ event_seq }) => event_seq === seen.at(-1)?.event_seq);
    expect(repeated.map(({ id: message }) => message)).toEqual(
      seen.map(({ id: message }) => message),
    );
  });
});
