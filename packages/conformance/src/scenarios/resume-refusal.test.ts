import { ManualClock } from "@arcp/core";
import { describe, expect, test } from "vitest";
import { ways } from "../../test/line.ts";
import { eventually, Stage, settled, tokens } from "../../test/stage.ts";
import type { StreamEnvelope } from "../wire/stream-envelope.ts";
import type { WireClient } from "../wire/wire-client.ts";

const isTerminal = ({ type }: StreamEnvelope): boolean => type !== "job.event";
const refused = { payload: { code: "RESUME_WINDOW_EXPIRED" } };
const unauthenticated = { payload: { code: "UNAUTHENTICATED" } };

describe.each(ways)("over %s", (way) => {
  test("R-6.3-11 and R-6.3-18: the window runs from the loss, and afterwards the session is gone while its job runs on", async () => {
    const clock = new ManualClock();
    await using stage = await Stage.open(way, { clock });
    let wire = await stage.greeted();
    const { id, puppet } = await stage.played(wire);
    await wire.next();
    clock.advance(10_000_000);
    const lose = async () => {
      // What remains armed of the handshake's deadlines does not matter here.
      clock.advance(10_000);
      const timers = clock.pending;
      await stage.drop(wire);
      await eventually(() => clock.pending > timers);
    };
    for (const away of [599_999, 599_999]) {
      await lose();
      clock.advance(away);
      wire = await stage.resumed(wire);
    }
    await lose();
    clock.advance(600_000);
    await settled();
    await expect(stage.resumed(wire)).rejects.toMatchObject(refused);
    expect(puppet.ctx.signal.aborted).toBe(false);
    await puppet.ctx.thought("for whoever comes");
    const heir = await stage.greeted({ token: tokens.alice2 });
    await heir.request("job.subscribe", { job_id: id, history: true });
    await heir.until((e) => e.event_seq === 2);
    // Nobody owns it any more, so its principal may cancel it.
    await heir.request("job.cancel", { job_id: id });
    puppet.finish();
    expect((await heir.next()).payload).toMatchObject({ code: "CANCELLED" });
  });

  test("R-6.3-18 and R-7.2-8: where the operator cancels orphans, a job ends with the last session that came back for it", async () => {
    const clock = new ManualClock();
    await using stage = await Stage.open(way, { clock, cancelOrphans: true });
    const lost = async (wire: WireClient) => {
      clock.advance(10_000);
      const timers = clock.pending;
      await stage.drop(wire);
      await eventually(() => clock.pending > timers);
      clock.advance(600_000);
      await settled();
    };
    const wire = await stage.greeted();
    const idempotency_key = "k";
    const kept = await stage.played(wire, { idempotency_key });
    const left = await stage.played(wire);
    // A client without its session submits again, while that session waits for somebody.
    const heir = await stage.greeted({ token: tokens.alice2 });
    await heir.submit({ agent: "puppet", idempotency_key });
    await lost(wire);
    expect(left.puppet.ctx.signal.aborted).toBe(true);
    expect(kept.puppet.ctx.signal.aborted).toBe(false);
    await lost(heir);
    expect(kept.puppet.ctx.signal.aborted).toBe(true);
    const late = await stage.greeted();
    for (const { id, puppet } of [kept, left]) {
      puppet.finish("too late");
      await late.request("job.subscribe", { job_id: id });
      const end = (await late.until((e) => isTerminal(e) && e.job_id === id)).at(-1);
      expect(end?.payload).toMatchObject({
        code: "CANCELLED",
        final_status: "cancelled",
        details: { reason: "session_ended" },
      });
    }
  });

  test("R-6.3-10 and R-6.3-17: a resume whose missed events were evicted is refused, and the job runs on", async () => {
    await using stage = await Stage.open(way, { logLimits: { records: 10 } });
    const wire = await stage.greeted();
    const { id, puppet } = await stage.played(wire);
    await wire.next();
    await stage.drop(wire);
    for (let i = 0; i < 10; i++) await puppet.ctx.thought(`${i}`);
    await settled();
    // Records 2 to 11 are kept, and all of them are missing here.
    let again = await stage.resumed(wire);
    expect(await again.until((e) => e.event_seq === 11)).toHaveLength(10);
    await stage.drop(again);
    for (let i = 0; i < 11; i++) await puppet.ctx.thought(`${i}`);
    await settled();
    await expect(stage.resumed(again, { lastEventSeq: 11 })).rejects.toMatchObject(refused);
    expect(puppet.ctx.signal.aborted).toBe(false);
    again = await stage.greeted();
    const subscribed = await again.request("job.subscribe", { job_id: id, history: true });
    expect(subscribed.payload).toMatchObject({ truncated: true, replayed: true });
    puppet.finish();
    expect((await again.until(isTerminal)).at(-1)?.payload).toMatchObject({ result: null });
  });

  test("R-6.3-10: events that were numbered, sent and then evicted cannot be replayed, so the resume is refused", async () => {
    await using stage = await Stage.open(way, { logLimits: { records: 10 } });
    const wire = await stage.greeted();
    const { puppet } = await stage.played(wire);
    for (let seq = 2; seq <= 15; seq++) {
      await puppet.ctx.thought(`${seq}`);
      await wire.until((e) => e.event_seq === seq);
    }
    await stage.drop(wire);
    await expect(stage.resumed(wire, { lastEventSeq: 4 })).rejects.toMatchObject(refused);
    const again = await stage.resumed(wire, { lastEventSeq: 5 });
    expect(await again.until((e) => e.event_seq === 15)).toHaveLength(10);
  });

  test("R-6.3-4: another bearer token of the same principal may resume", async () => {
    await using stage = await Stage.open(way);
    const wire = await stage.greeted();
    const { puppet } = await stage.played(wire);
    await stage.drop(wire);
    const again = await stage.resumed(wire, { token: tokens.alice2, lastEventSeq: 0 });
    puppet.finish();
    await again.until(isTerminal);
  });

  test("R-6.3-2, R-6.3-5: a resume token alone resumes its session where the operator chose so, and there alone", async () => {
    for (const resumeByTokenAlone of [true, undefined]) {
      await using stage = await Stage.open(way, {
        ...(resumeByTokenAlone && { resumeByTokenAlone }),
      });
      let wire = await stage.greeted();
      const { puppet } = await stage.played(wire);
      await wire.next();
      await stage.drop(wire);
      // Whoever presents a bearer token needs the right one.
      for (const token of ["", "nobody's"]) {
        await expect(stage.resumed(wire, { token })).rejects.toMatchObject(unauthenticated);
      }
      const guess = stage.resumed(wire, { token: null, resumeToken: "rt_guessed" });
      await expect(guess).rejects.toMatchObject(resumeByTokenAlone ? refused : unauthenticated);
      if (resumeByTokenAlone) {
        wire = await stage.resumed(wire, { token: null });
      } else {
        await expect(stage.resumed(wire, { token: null })).rejects.toMatchObject(unauthenticated);
        wire = await stage.resumed(wire);
      }
      puppet.finish("done");
      expect((await wire.until(isTerminal)).at(-1)?.payload).toMatchObject({ result: "done" });
    }
  });

  test("R-6.7-3 and R-6.3-11: the window of a closed session begins with the close", async () => {
    const clock = new ManualClock();
    await using stage = await Stage.open(way, { clock });
    const wire = await stage.greeted();
    const { puppet } = await stage.played(wire);
    await wire.next();
    clock.advance(5_000_000);
    const closed = await wire.request("session.close", { reason: "done for today" });
    expect(closed.payload.reason).toBe("done for today");
    expect(await wire.closed).toBe("normal");
    expect(puppet.ctx.signal.aborted).toBe(false);
    await settled();
    clock.advance(599_999);
    const again = await stage.resumed(wire);
    await puppet.ctx.thought("R-6.7-2");
    expect((await again.next()).event_seq).toBe(2);
    await again.send({ type: "session.bye", payload: {} });
    expect(await again.closed).toBe("normal");
    expect(again.transcript.toString()).not.toContain("session.closed");
    await settled();
    clock.advance(600_000);
    await settled();
    await expect(stage.resumed(again)).rejects.toMatchObject(refused);
    expect(puppet.ctx.signal.aborted).toBe(false);
  });
});
