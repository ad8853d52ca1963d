import { ManualClock, newMessageId } from "@arcp/core";
import { describe, expect, test } from "vitest";
import { ways } from "../../test/line.ts";
import { eventually, Stage, settled, tokens } from "../../test/stage.ts";
import type { ResumeForm } from "../wire/opening-request.ts";
import type { StreamEnvelope } from "../wire/stream-envelope.ts";
import type { WireClient } from "../wire/wire-client.ts";

const forms: readonly ResumeForm[] = ["resume", "nested", "flat", "after-hello"];
// The forms differ in how they are read, which is the same on all ways.
const combinations = ways.flatMap((way, index) =>
  (index === 0 ? forms : forms.slice(0, 1)).map((form) => ({ way, form })),
);
const isTerminal = ({ type }: StreamEnvelope): boolean => type !== "job.event";
const refused = { payload: { code: "RESUME_WINDOW_EXPIRED" } };

interface Attempt {
  readonly form: ResumeForm;
  readonly token?: string;
  readonly sessionId?: string;
  readonly resumeToken?: string;
  readonly lastEventSeq?: number;
}

/** Tries to resume as anybody could. @returns what came back, without what is different each time */
async function attempt(stage: Stage, victim: WireClient, wanted: Attempt): Promise<object> {
  const { form, token = tokens.alice, lastEventSeq = 1 } = wanted;
  const { sessionId = victim.sessionId } = wanted;
  const { resumeToken = victim.welcome.payload.resume_token } = wanted;
  const auth = { scheme: "bearer", token };
  const client = { name: "x", version: "1" };
  const flat = { resume_token: resumeToken, last_event_seq: lastEventSeq };
  const position = { session_id: sessionId, ...flat };
  const wire = form === "after-hello" ? await stage.greeted({ token }) : await stage.wire();
  const messages = {
    resume: { type: "session.resume", payload: { ...position, auth } },
    nested: { type: "session.hello", payload: { client, auth, resume: position } },
    flat: { type: "session.hello", payload: { client, auth, ...flat } },
    "after-hello": { type: "session.resume", payload: position },
  };
  const id = newMessageId("req_");
  await wire.send({ ...messages[form], id, session_id: undefined }, { faulty: true });
  const answer = await wire.notice(({ type }) => /error|welcome/.test(type));
  const { id: _id, session_id, payload, ...rest } = answer;
  const { request_id: answered, ...error } = payload as { request_id?: string };
  // R-5.4-1: also the refusal of an opening request says which one it answers.
  expect(answered).toBe(id);
  expect(session_id).toMatch(/^sess_/);
  expect(session_id).not.toBe(victim.sessionId);
  return { ...rest, payload: error, closed: await wire.closed };
}

describe.each(combinations)("as $form over $way", ({ way, form }) => {
  test("R-6.3-5 and R-6.3-10: all failures look the same and leave the owner untouched, connected or not", async () => {
    await using stage = await Stage.open(way);
    let owner = await stage.greeted();
    const other = await stage.greeted({ token: tokens.alice2 });
    const { puppet } = await stage.played(owner);
    await owner.next();
    const attempts: Attempt[] = [
      { form, token: tokens.bob },
      { form, resumeToken: `rt_${"0".repeat(64)}` },
      { form, resumeToken: "x" },
      { form, lastEventSeq: 2 },
      { form, lastEventSeq: Number.MAX_SAFE_INTEGER },
      // The flat form names no session.
      ...(form === "flat"
        ? []
        : [
            { form, sessionId: other.sessionId },
            { form, sessionId: "sess_unknown" },
          ]),
    ];
    const seen = new Set<string>();
    for (const connected of [true, false]) {
      for (const wanted of attempts) seen.add(JSON.stringify(await attempt(stage, owner, wanted)));
      await puppet.ctx.thought(connected ? "while connected" : "while away");
      if (connected) {
        expect((await owner.next()).event_seq).toBe(2);
        await stage.drop(owner);
        attempts[3] = { form, lastEventSeq: 3 };
      }
    }
    expect(seen.size).toBe(1);
    expect([...seen][0]).toContain("RESUME_WINDOW_EXPIRED");
    expect([...seen][0]).toContain('"closed":"refused"');
    owner = await stage.resumed(owner, { form });
    expect((await owner.next()).event_seq).toBe(3);
    // The other session whose name was used is untouched, too.
    const { puppet: elsewhere } = await stage.played(other);
    elsewhere.finish();
    await other.until(isTerminal);
    puppet.finish();
    expect((await owner.next()).event_seq).toBe(4);
  });

  test("R-6.3-11 and R-6.3-18: the window runs from the loss, and afterwards the session is gone while its job runs on", async () => {
    const clock = new ManualClock();
    await using stage = await Stage.open(way, { clock });
    let wire = await stage.greeted();
    const { id, puppet } = await stage.played(wire);
    await wire.next();
    clock.advance(10_000_000);
    const lose = async () => {
      // What remains armed of the handshake's deadlines is none of our business.
      clock.advance(10_000);
      const timers = clock.pending;
      await stage.drop(wire);
      await eventually(() => clock.pending > timers);
    };
    for (const away of [599_999, 599_999]) {
      await lose();
      clock.advance(away);
      wire = await stage.resumed(wire, { form });
    }
    await lose();
    clock.advance(600_000);
    await settled();
    const late = await attempt(stage, wire, { form });
    expect(late).toMatchObject(refused);
    expect(late).toEqual(await attempt(stage, wire, { form, resumeToken: "never issued" }));
    expect(puppet.ctx.signal.aborted).toBe(false);
    await puppet.ctx.thought("for whoever comes");
    const heir = await stage.greeted({ token: tokens.alice2 });
    await heir.request("job.subscribe", { job_id: id, history: true }, { jobId: id });
    await heir.until((e) => e.event_seq === 2);
    // Nobody owns it any more, so its principal may cancel it.
    await heir.request("job.cancel", { job_id: id }, { jobId: id });
    puppet.finish();
    expect((await heir.next()).payload).toMatchObject({ code: "CANCELLED" });
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
    let again = await stage.resumed(wire, { form });
    expect(await again.until((e) => e.event_seq === 11)).toHaveLength(10);
    await stage.drop(again);
    for (let i = 0; i < 11; i++) await puppet.ctx.thought(`${i}`);
    await settled();
    const evicted = attempt(stage, again, { form, lastEventSeq: 11 });
    expect(await evicted).toMatchObject(refused);
    expect(puppet.ctx.signal.aborted).toBe(false);
    again = await stage.greeted();
    const subscribed = await again.request(
      "job.subscribe",
      { job_id: id, history: true },
      { jobId: id },
    );
    expect(subscribed.payload).toMatchObject({ truncated: true, replayed: true });
    puppet.finish();
    expect((await again.until(isTerminal)).at(-1)?.payload).toMatchObject({ result: null });
  });

  test("R-6.3-10: what was numbered, sent and then evicted cannot be replayed, so the resume is refused", async () => {
    await using stage = await Stage.open(way, { logLimits: { records: 10 } });
    const wire = await stage.greeted();
    const { puppet } = await stage.played(wire);
    for (let seq = 2; seq <= 15; seq++) {
      await puppet.ctx.thought(`${seq}`);
      await wire.until((e) => e.event_seq === seq);
    }
    await stage.drop(wire);
    expect(await attempt(stage, wire, { form, lastEventSeq: 4 })).toMatchObject(refused);
    const again = await stage.resumed(wire, { form, lastEventSeq: 5 });
    expect(await again.until((e) => e.event_seq === 15)).toHaveLength(10);
  });
});

describe.each(ways)("over %s", (way) => {
  test("R-6.3-2: a session.resume without authentication is refused as such, even with a good token", async () => {
    await using stage = await Stage.open(way);
    const owner = await stage.greeted();
    const resume_token = owner.welcome.payload.resume_token;
    for (const auth of [undefined, null, { scheme: "bearer", token: "wrong" }]) {
      const wire = await stage.wire();
      const payload = { resume_token, session_id: owner.sessionId, last_event_seq: 0, auth };
      await wire.send({ type: "session.resume", payload }, { faulty: true });
      const answer = await wire.notice(() => true);
      expect(answer).toMatchObject({ type: "session.error", payload: { code: "UNAUTHENTICATED" } });
      expect(await wire.closed).toBe("refused");
    }
    await stage.played(owner);
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

  test("R-6.3-7: eight welcomes in a row may be lost, and the tokens beyond those are void", async () => {
    await using stage = await Stage.open(way);
    const wire = await stage.greeted();
    const first = wire.welcome.payload.resume_token;
    const lost: string[] = [];
    for (let i = 0; i < 10; i++) {
      const again = await stage.resumed(wire, { resumeToken: first, lastEventSeq: 0 });
      lost.push(again.welcome.payload.resume_token);
    }
    for (const resumeToken of lost.slice(0, 2)) {
      const form = "resume" as const;
      expect(await attempt(stage, wire, { form, resumeToken, lastEventSeq: 0 })).toMatchObject(
        refused,
      );
    }
    // Presenting one of those that are left confirms it, and voids the first.
    const again = await stage.resumed(wire, { resumeToken: lost[2] ?? "", lastEventSeq: 0 });
    for (const resumeToken of [first, lost[1]]) {
      const late = stage.resumed(wire, { resumeToken: resumeToken ?? "", lastEventSeq: 0 });
      await expect(late).rejects.toMatchObject(refused);
    }
    await stage.played(again);
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

  test("R-6.3-11: a resume closes the window, whose end then means nothing", async () => {
    const clock = new ManualClock();
    await using stage = await Stage.open(way, { clock });
    const wire = await stage.greeted();
    const { puppet } = await stage.played(wire);
    await wire.next();
    await stage.drop(wire);
    const again = await stage.resumed(wire);
    clock.advance(10_000_000);
    await settled();
    await puppet.ctx.thought("still here");
    expect((await again.next()).event_seq).toBe(2);
    await stage.drop(again);
    await stage.resumed(again);
  });
});
