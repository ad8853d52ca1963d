import { ArcpError, ManualClock } from "@arcp/core";
import { describe, expect, test } from "vitest";
import { ways } from "../../test/line.ts";
import { Stage, settled, tokens } from "../../test/stage.ts";
import type { StreamEnvelope } from "../wire/stream-envelope.ts";
import type { WireClient } from "../wire/wire-client.ts";

const isTerminal = ({ type }: StreamEnvelope): boolean => type !== "job.event";
const ended = async (wire: WireClient) => (await wire.until(isTerminal)).at(-1);
const cancel = (wire: WireClient, id: string, reason?: string) =>
  wire.request("job.cancel", { job_id: id, reason });
const isCancelled = {
  type: "job.error",
  payload: { final_status: "cancelled", code: "CANCELLED", retryable: false },
};
const late = { code: "CANCELLED" };

describe.each(ways)("over %s", (way) => {
  test("R-7.4-1 and R-7.4-3: a cancel is acknowledged without a number, the agent is told at once, and the end follows", async () => {
    await using stage = await Stage.open(way);
    const wire = await stage.greeted();
    const { id, puppet } = await stage.played(wire);
    await wire.next();
    const reply = await cancel(wire, id, "wrong folder");
    expect(reply.payload).toEqual({
      request_id: expect.any(String),
      job_id: id,
      reason: "wrong folder",
    });
    expect(reply.event_seq).toBeUndefined();
    expect(puppet.ctx.signal.aborted).toBe(true);
    expect(puppet.ctx.signal.reason).toMatchObject({ code: "CANCELLED", message: "wrong folder" });
    // The agent may still clean up and report it.
    await puppet.ctx.thought("tidied up");
    puppet.finish();
    const rest = await wire.until(isTerminal);
    expect(rest).toHaveLength(2);
    expect(rest.at(-1)).toMatchObject(isCancelled);
    expect(rest.at(-1)?.payload).toMatchObject({ message: "wrong folder" });
  });

  test("R-7.4-2: an acknowledged cancel ends as cancelled, whatever the agent then returns or throws", async () => {
    await using stage = await Stage.open(way);
    const wire = await stage.greeted();
    const ways: ((puppet: Awaited<ReturnType<typeof stage.played>>["puppet"]) => void)[] = [
      (puppet) => puppet.finish("success after all"),
      (puppet) => puppet.fail(new Error("boom")),
      (puppet) => puppet.fail(new ArcpError("PERMISSION_DENIED", "no")),
      (puppet) => puppet.fail(puppet.ctx.signal.reason),
      (puppet) => void puppet.ctx.result.write("chunk").then(() => puppet.finish("x")),
      (puppet) => puppet.finish("x".repeat(2 * 1024 * 1024)),
    ];
    for (const [index, act] of ways.entries()) {
      const { id, puppet } = await stage.played(wire);
      const reason = index % 2 === 0 ? undefined : "";
      await cancel(wire, id, reason);
      act(puppet);
      const end = await ended(wire);
      expect(end).toMatchObject(isCancelled);
      expect(end?.payload).toMatchObject({ message: expect.stringMatching(/./) });
    }
  });

  test("R-7.4-4: an agent that does not stop in the grace period has its job ended, and can do nothing afterwards", async () => {
    const clock = new ManualClock();
    let called = 0;
    await using stage = await Stage.open(way, { clock, tools: { t: () => ++called } });
    const wire = await stage.greeted();
    const lease_request = { "tool.call": ["t"], "cost.budget": ["EUR:5"] };
    const { id, puppet } = await stage.played(wire, { lease_request });
    await wire.next();
    await cancel(wire, id);
    // From the cancel on, operations are refused, while events are not.
    await expect(puppet.ctx.tools.call("t")).rejects.toMatchObject(late);
    expect(() => puppet.ctx.authorize("tool.call", "t")).toThrow();
    clock.advance(29_999);
    await puppet.ctx.thought("I will not stop");
    expect((await wire.until((e) => e.event_seq === 4)).map(({ type }) => type)).toEqual([
      "job.event",
      "job.event",
      "job.event",
    ]);
    clock.advance(1);
    expect(await wire.next()).toMatchObject(isCancelled);
    await puppet.ctx.thought("still talking");
    await puppet.ctx.metric({ name: "cost.x", value: 1, unit: "EUR" });
    await expect(puppet.ctx.tools.call("t")).rejects.toMatchObject(late);
    await puppet.ctx.result.write("x").catch(() => {});
    puppet.finish("done at last");
    await settled();
    // Had it had any effect, it would come before this.
    const { puppet: next } = await stage.played(wire);
    next.finish();
    expect((await wire.until(isTerminal)).map(({ event_seq }) => event_seq)).toEqual([6, 7]);
    expect(called).toBe(0);
  });

  test("R-7.4-5: a repeated cancel is acknowledged again, and extends nothing", async () => {
    const clock = new ManualClock();
    await using stage = await Stage.open(way, { clock });
    const wire = await stage.greeted();
    const { id } = await stage.played(wire);
    await cancel(wire, id, "the first reason");
    for (let i = 1; i <= 2; i++) {
      clock.advance(10_000);
      const { payload } = await cancel(wire, id, "another");
      expect(payload.current_status).toBeUndefined();
    }
    clock.advance(9_999);
    await settled();
    expect(wire.transcript.toString()).not.toContain("job.error");
    clock.advance(1);
    expect((await ended(wire))?.payload).toMatchObject({ message: "the first reason" });
    // The job has ended, so no timer of the grace period is left to fire.
    clock.advance(500_000);
    await settled();
    const { payload } = await cancel(wire, id);
    expect(payload.current_status).toBe("cancelled");
  });

  test("R-7.4-2: a deadline that passes in the grace period does not change how the job ends", async () => {
    const clock = new ManualClock();
    await using stage = await Stage.open(way, { clock });
    const wire = await stage.greeted();
    const { id } = await stage.played(wire, { max_runtime_sec: 10 });
    clock.advance(5_000);
    await cancel(wire, id, "by the user");
    clock.advance(5_000);
    const end = await ended(wire);
    expect(end).toMatchObject(isCancelled);
    expect(end?.payload).toMatchObject({ message: "by the user" });
  });

  test("R-7.4-7: another session may not cancel, and a stranger is told that there is no such job", async () => {
    const mayObserve = (principal: string) => principal === "bob";
    await using stage = await Stage.open(way, { policy: { mayObserve } });
    const wire = await stage.greeted();
    const { id, puppet } = await stage.played(wire);
    for (const token of [tokens.alice, tokens.alice2, tokens.bob]) {
      const other = await stage.greeted({ token });
      const denied = { payload: { code: "PERMISSION_DENIED", job_id: id } };
      await expect(cancel(other, id)).rejects.toMatchObject(denied);
      // A subscription gives no authority either (R-7.7-1).
      await other.request("job.subscribe", { job_id: id });
      await expect(cancel(other, id)).rejects.toMatchObject(denied);
    }
    expect(puppet.ctx.signal.aborted).toBe(false);
    puppet.finish();
    await ended(wire);
    // That holds for a finished job too: R-7.4-6 is for clients that might have cancelled it.
    for (const token of [tokens.alice, tokens.bob]) {
      const other = await stage.greeted({ token });
      await expect(cancel(other, id)).rejects.toMatchObject({
        payload: { code: "PERMISSION_DENIED" },
      });
    }
  });

  test("R-7.3-1: a job that is cancelled before its agent starts ends as cancelled", async () => {
    await using stage = await Stage.open(way);
    const wire = await stage.greeted();
    for (let unstarted = 0; unstarted < 3; ) {
      // Path patterns are resolved before the agent starts, which a cancel over a socket may not outrun.
      const lease_request = { "fs.read": ["/tmp/**", "/usr/**", "/var/lib/**"] };
      const accepted = await wire.submit({ agent: "puppet", lease_request });
      const id = accepted.payload.job_id;
      await cancel(wire, id);
      if (stage.puppets.started > 0) {
        const puppet = await stage.puppets.next();
        expect(puppet.ctx.signal.aborted).toBe(true);
        puppet.finish();
        stage.puppets.started = 0;
      } else unstarted += 1;
      expect(await ended(wire)).toMatchObject(isCancelled);
    }
  });

  test("R-7.4-2, R-7.4-6 and R-7.3-2: in each of 300 races between a cancel and the return, reply and end agree", async () => {
    await using stage = await Stage.open(way);
    const wire = await stage.greeted();
    const outcomes = new Set<string>();
    for (let round = 0; round < 300; round++) {
      const { id, puppet } = await stage.played(wire);
      const message = {
        type: "job.cancel",
        id: `req_${round}`,
        job_id: id,
        payload: { job_id: id },
      };
      if (round % 3 === 0) puppet.finish(round);
      for (let hop = 0; hop < round % 17; hop++) await undefined;
      if (round % 5 === 0) await new Promise((resolve) => setImmediate(resolve));
      await wire.send(message);
      for (let hop = 0; hop < round % 13; hop++) await undefined;
      // Over a socket, the cancel takes some turns of the event loop to arrive.
      for (let turn = round % 7; turn > 0; turn--) await new Promise((go) => setImmediate(go));
      puppet.finish(round);
      const { payload } = await wire.reply("job.cancel", message.id);
      const end = await ended(wire);
      if (payload.current_status === undefined) {
        expect(end).toMatchObject(isCancelled);
      } else {
        expect(payload.current_status).toBe("success");
        expect(end?.payload).toMatchObject({ result: round });
      }
      outcomes.add(`${payload.current_status}`);
      if (payload.current_status !== undefined) continue;
      // The acknowledgement precedes the end that it leads to (R-7.4-1): the frames of this round show it.
      const frames = wire.transcript.tail(6).split("\n");
      const reply = frames.findIndex((frame) => frame.includes('"type":"job.cancelled"'));
      const terminal = frames.findIndex((frame) => frame.includes('"type":"job.error"'));
      expect(reply).toBeGreaterThan(0);
      expect(reply).toBeLessThan(terminal);
    }
    expect(outcomes).toEqual(new Set(["undefined", "success"]));
  });
});
