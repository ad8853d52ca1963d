import { defineAgent } from "@arcp/runtime";
import { describe, expect, test } from "vitest";
import { ways } from "../../test/line.ts";
import { eventually, Stage, settled, tokens } from "../../test/stage.ts";
import type { StreamEnvelope } from "../wire/stream-envelope.ts";
import type { WireClient } from "../wire/wire-client.ts";

const isTerminal = ({ type }: StreamEnvelope): boolean => type !== "job.event";

/** An agent whose input is being checked until the test lets it pass. */
function slowAgent() {
  const checks: PromiseWithResolvers<void>[] = [];
  let runs = 0;
  const agent = defineAgent({
    name: "slow",
    input: {
      "~standard": {
        version: 1,
        vendor: "test",
        async validate(value) {
          const check = Promise.withResolvers<void>();
          checks.push(check);
          await check.promise;
          return value === "bad" ? { issues: [{ message: "is bad", path: ["x"] }] } : { value };
        },
      },
    },
    run: (_ctx, input) => {
      runs += 1;
      return input;
    },
  });
  return { agent, checks, runs: () => runs };
}

/** The replies to submits in the order in which they came. */
function replies(wire: WireClient): string[] {
  const lines = wire.transcript.toString().split("\n");
  return lines.flatMap((line) => {
    const match = /^<- .*"type":"(job\.accepted|session\.error)".*?"request_id":"(req_\w+)"/;
    const [, type, id] = match.exec(line) ?? [];
    return id === undefined ? [] : [`${id} ${type === "job.accepted" ? "accepted" : "refused"}`];
  });
}

describe.each(ways)("over %s", (way) => {
  test("R-5.4-5 and R-7.1-2: submits are worked out at the same time and answered in their order", async () => {
    const slow = slowAgent();
    await using stage = await Stage.open(way, { agents: [slow.agent] });
    const wire = await stage.greeted();
    const submit = (id: string, payload: object) => wire.send({ type: "job.submit", id, payload });
    await submit("req_1", { agent: "slow", input: 1 });
    await submit("req_2", { agent: "nobody" });
    await submit("req_3", { agent: "puppet" });
    await submit("req_4", { agent: "slow", input: "bad" });
    await submit("req_5", { agent: "puppet" });
    await eventually(() => slow.checks.length === 2);
    // The fourth is worked out, but what was asked first is answered first.
    slow.checks[1]?.resolve();
    await settled();
    expect(replies(wire)).toEqual([]);
    expect(stage.puppets.started).toBe(0);
    slow.checks[0]?.resolve();
    await wire.reply("job.submit", "req_5");
    const order = ["req_1 accepted", "req_2 refused", "req_3 accepted", "req_4 refused"];
    expect(replies(wire)).toEqual([...order, "req_5 accepted"]);
  });

  test("R-5.4-5: a malformed submit is refused in its turn, too", async () => {
    const slow = slowAgent();
    await using stage = await Stage.open(way, { agents: [slow.agent] });
    const wire = await stage.greeted();
    await wire.send({ type: "job.submit", id: "req_1", payload: { agent: "slow" } });
    const malformed = { type: "job.submit", id: "req_2", payload: { agent: 5 } };
    await wire.send(malformed, { faulty: true });
    await eventually(() => slow.checks.length === 1);
    await settled();
    slow.checks[0]?.resolve();
    await wire.reply("job.submit", "req_1");
    await wire.notice(({ type }) => type === "session.error");
    expect(replies(wire)).toEqual(["req_1 accepted", "req_2 refused"]);
  });

  test("R-4-2: pings, cancels and submissions of others are answered while a submit is being checked", async () => {
    const slow = slowAgent();
    await using stage = await Stage.open(way, { agents: [slow.agent] });
    // Heartbeats were not agreed on, and are answered all the same (R-6.4-2).
    const wire = await stage.greeted({ features: [] }, { waive: ["R-6.2-2"] });
    const { id, puppet } = await stage.played(wire);
    await wire.send({ type: "job.submit", id: "req_slow", payload: { agent: "slow" } });
    await eventually(() => slow.checks.length === 1);
    const ping = { nonce: "hb-51", sent_at: "2026-11-02T08:16:00.000Z" };
    await wire.send({ type: "session.ping", payload: ping });
    const pong = await wire.notice(({ type }) => type === "session.pong");
    expect(pong.payload).toMatchObject({ ping_nonce: "hb-51" });
    await wire.request("job.cancel", { job_id: id }, { jobId: id });
    puppet.finish();
    await wire.until(isTerminal);
    await stage.played(await stage.greeted({ token: tokens.bob }));
    slow.checks[0]?.resolve();
    await wire.reply("job.submit", "req_slow");
  });

  test("R-5.4-1 and R-5.4-3: a rejection names its request, and no other request or job feels it", async () => {
    await using stage = await Stage.open(way);
    const wire = await stage.greeted();
    const { puppet } = await stage.played(wire);
    await wire.send({ type: "job.submit", id: "req_a", payload: { agent: "puppet" } });
    await wire.send({ type: "job.submit", id: "req_b", payload: { agent: "nobody" } });
    await wire.send({ type: "job.submit", id: "req_c", payload: { agent: "puppet" } });
    const [c, a] = await Promise.all([
      wire.reply("job.submit", "req_c"),
      wire.reply("job.submit", "req_a"),
    ]);
    expect(a.payload.job_id).not.toBe(c.payload.job_id);
    await expect(wire.reply("job.submit", "req_b")).rejects.toMatchObject({
      payload: { code: "AGENT_NOT_AVAILABLE", request_id: "req_b" },
    });
    puppet.finish("undisturbed");
    const [end] = (await wire.until(isTerminal)).slice(-1);
    expect(end?.payload).toMatchObject({ result: "undisturbed" });
  });

  test("R-5.4-8: the same submit makes one job, whenever it is repeated", async () => {
    const slow = slowAgent();
    await using stage = await Stage.open(way, { agents: [slow.agent] });
    const wire = await stage.greeted();
    const message = { type: "job.submit", id: "req_once", payload: { agent: "slow", input: 7 } };
    await wire.send(message);
    await wire.send(message);
    await eventually(() => slow.checks.length > 0);
    await settled();
    expect(slow.checks).toHaveLength(1);
    slow.checks[0]?.resolve();
    const first = await wire.reply("job.submit", "req_once");
    const second = await wire.reply("job.submit", "req_once");
    expect(second.payload).toEqual(first.payload);
    await wire.until(isTerminal);
    await wire.send(message);
    expect((await wire.reply("job.submit", "req_once")).payload).toEqual(first.payload);
    await stage.drop(wire);
    const again = await stage.resumed(wire);
    // Another submit under that id is the same submit.
    await again.send({ ...message, payload: { agent: "nobody" } }, { faulty: true });
    expect((await again.reply("job.submit", "req_once")).payload).toEqual(first.payload);
    await settled();
    expect(slow.runs()).toBe(1);
    expect(slow.checks).toHaveLength(1);
  });

  test("R-5.4-8: a submit whose reply was lost with the connection is answered when it is repeated", async () => {
    const slow = slowAgent();
    await using stage = await Stage.open(way, { agents: [slow.agent] });
    const wire = await stage.greeted();
    const message = { type: "job.submit", id: "req_lost", payload: { agent: "slow", input: 7 } };
    await wire.send(message);
    await eventually(() => slow.checks.length === 1);
    await stage.drop(wire);
    const again = await stage.resumed(wire);
    await again.send(message);
    await settled();
    slow.checks[0]?.resolve();
    const accepted = await again.reply("job.submit", "req_lost");
    expect(await again.until(isTerminal)).toHaveLength(2);
    expect((await again.reply("job.submit", "req_lost")).payload).toEqual(accepted.payload);
    expect(slow.runs()).toBe(1);
  });

  test("R-5.4-8: a rejection is repeated as well, and a thousand submits are remembered", async () => {
    await using stage = await Stage.open(way);
    const wire = await stage.greeted();
    const { accepted } = await stage.played(wire);
    const refuse = async (id: string) => {
      const asked = wire.request("job.submit", { agent: "later" }, { id });
      await expect(asked).rejects.toMatchObject({ payload: { code: "AGENT_NOT_AVAILABLE" } });
    };
    for (let i = 1; i < 1000; i++) await refuse(`req_${i}`);
    stage.runtime.agents.register(defineAgent({ name: "later", run: () => 1 }));
    await refuse("req_1");
    const id = accepted.payload.request_id ?? "";
    const again = await wire.request("job.submit", { agent: "puppet" }, { id });
    expect(again.payload).toEqual(accepted.payload);
    await settled();
    expect(stage.puppets.started).toBe(1);
  });

  test("R-5.4-4: each kind of request is answered, granted or not, exactly once", async () => {
    await using stage = await Stage.open(way);
    const wire = await stage.greeted();
    const { id, puppet } = await stage.played(wire);
    const jobs = { known: id, unknown: "job_unknown" };
    for (const [name, job] of Object.entries(jobs)) {
      for (const type of ["job.cancel", "job.subscribe"]) {
        const rid = `req_${type}_${name}`;
        await wire.send({ type, id: rid, job_id: job, payload: { job_id: job } });
        const answer = await wire.notice((e) => "request_id" in e.payload);
        expect(answer.payload).toMatchObject({ request_id: rid });
        if (name === "unknown") {
          // A request that names a job is refused by name (R-5.4-2).
          expect(answer.payload).toMatchObject({ code: "JOB_NOT_FOUND", job_id: job });
        }
      }
    }
    // These have no reply.
    await wire.send({ type: "job.unsubscribe", job_id: id, payload: { job_id: id } });
    await wire.send({ type: "job.unsubscribe", job_id: "job_x", payload: { job_id: "job_x" } });
    await wire.send({ type: "session.ack", payload: { last_processed_seq: 0 } }, { faulty: true });
    const listing = { type: "session.list_jobs", id: "req_list", payload: {} };
    await wire.send(listing, { faulty: true });
    const answer = await wire.notice(() => true);
    expect(answer.payload).toMatchObject({ request_id: "req_list" });
    puppet.finish();
    await wire.until(isTerminal);
    await wire.request("session.close", {});
  });

  test("R-5.4-2: a refusal names the job also when only the payload of the request did", async () => {
    await using stage = await Stage.open(way);
    const wire = await stage.greeted();
    for (const type of ["job.cancel", "job.subscribe"]) {
      const message = { type, id: `req_${type}`, payload: { job_id: "job_unknown" } };
      await wire.send(message, { faulty: true });
      const answer = await wire.notice((e) => e.type === "session.error");
      const expected = { request_id: `req_${type}`, job_id: "job_unknown" };
      expect(answer.payload).toMatchObject(expected);
    }
  });
});
