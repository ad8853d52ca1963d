import { describe, expect, test } from "vitest";
import { ways } from "../../test/line.ts";
import { flood } from "../../test/puppets.ts";
import { PATIENCE_MS, Stage, settled, tokens } from "../../test/stage.ts";
import type { ResumeForm } from "../wire/opening-request.ts";
import { isStreamEnvelope, type StreamEnvelope } from "../wire/stream-envelope.ts";
import { WireClient } from "../wire/wire-client.ts";

const forms: readonly ResumeForm[] = ["resume", "nested", "flat", "after-hello"];
// The forms differ in how they are read, which is the same on all ways.
const combinations = ways.flatMap((way, index) =>
  (index === 0 ? forms : forms.slice(0, 1)).map((form) => ({ way, form })),
);

const isTerminal = ({ type }: StreamEnvelope): boolean => type !== "job.event";
const seqs = (envelopes: readonly StreamEnvelope[]) => envelopes.map(({ event_seq }) => event_seq);
const texts = (envelopes: readonly StreamEnvelope[]) =>
  envelopes.flatMap((e) => (e.type === "job.event" ? [e.payload.body["text"]] : []));

describe.each(combinations)("as $form over $way", ({ way, form }) => {
  test("R-6.3-1, R-6.3-6, R-6.3-8 and R-6.3-13: what was missed comes after the welcome, then live events and the end", async () => {
    await using stage = await Stage.open(way);
    const wire = await stage.greeted();
    const { id, puppet } = await stage.played(wire);
    await puppet.ctx.thought("seen");
    await wire.until((e) => texts([e])[0] === "seen");
    await stage.drop(wire);
    for (const text of ["missed 1", "missed 2"]) await puppet.ctx.thought(text);
    await settled();
    const again = await stage.resumed(wire, { form });
    expect(again.sessionId).toBe(wire.sessionId);
    expect(again.welcome.payload.resume_token).not.toBe(wire.welcome.payload.resume_token);
    const missed = await again.until((e) => texts([e])[0] === "missed 2");
    expect(seqs(missed)).toEqual([3, 4]);
    await puppet.ctx.thought("live");
    puppet.finish(42);
    const rest = await again.until(isTerminal);
    expect(seqs(rest)).toEqual([5, 6]);
    expect(texts(rest)).toEqual(["live"]);
    expect(rest.at(-1)).toMatchObject({ type: "job.result", job_id: id, payload: { result: 42 } });
  });

  test("R-6.3-9: a client that missed nothing resumes, and the next event has the next number", async () => {
    await using stage = await Stage.open(way);
    const wire = await stage.greeted();
    const { puppet } = await stage.played(wire);
    await puppet.ctx.thought("one");
    await wire.until((e) => e.event_seq === 2);
    await stage.drop(wire);
    const again = await stage.resumed(wire, { form });
    await settled();
    await puppet.ctx.thought("two");
    const next = await again.next();
    expect(next.event_seq).toBe(3);
    expect(texts([next])).toEqual(["two"]);
    // Nobody has said anything in between, and the session can do all that it could.
    await stage.played(again);
  });

  test("R-6.3-12: the end of a job that came while the client was away is delivered once", async () => {
    await using stage = await Stage.open(way);
    const wire = await stage.greeted();
    const { id, puppet } = await stage.played(wire);
    await wire.next();
    await stage.drop(wire);
    await puppet.ctx.thought("alone");
    puppet.finish("done alone");
    await settled();
    const again = await stage.resumed(wire, { form });
    const missed = await again.until(isTerminal);
    expect(seqs(missed)).toEqual([2, 3]);
    expect(missed.at(-1)).toMatchObject({ job_id: id, payload: { result: "done alone" } });
    await stage.drop(again);
    const third = await stage.resumed(again, { form });
    const { puppet: next } = await stage.played(third);
    next.finish();
    expect(seqs(await third.until(isTerminal))).toEqual([4, 5]);
  });

  test("R-6.3-9: a client that has seen its job end resumes without anything to replay", async () => {
    await using stage = await Stage.open(way);
    const wire = await stage.greeted();
    const { puppet } = await stage.played(wire);
    puppet.finish();
    await wire.until(isTerminal);
    await stage.drop(wire);
    const again = await stage.resumed(wire, { form });
    const { puppet: next } = await stage.played(again);
    next.finish();
    expect(seqs(await again.until(isTerminal))).toEqual([3, 4]);
  });

  test("R-6.3-15: a resume over a living connection closes that as refused, and nothing more is done for it", async () => {
    await using stage = await Stage.open(way);
    const wire = await stage.greeted();
    const { id, puppet } = await stage.played(wire);
    await puppet.ctx.thought("both");
    await wire.until((e) => e.event_seq === 2);
    const before = wire.transcript.toString();
    const again = await stage.resumed(wire, { form });
    expect(await wire.closed).toBe("refused");
    // Even what the old connection would still say is not heard.
    await wire.send({ type: "job.cancel", job_id: id, payload: { job_id: id } }).catch(() => {});
    await puppet.ctx.thought("new only");
    expect((await again.next()).event_seq).toBe(3);
    puppet.finish("not cancelled");
    expect((await again.next()).payload).toMatchObject({ result: "not cancelled" });
    const late = wire.transcript
      .toString()
      .slice(before.length)
      .split("\n")
      .filter((line) => line.startsWith("<-"));
    expect(late).toEqual([]);
  });

  test("R-6.3-7: the token of a lost welcome costs nobody the session, and a confirmed one voids those before it", async () => {
    await using stage = await Stage.open(way);
    const wire = await stage.greeted();
    const { puppet } = await stage.played(wire);
    await wire.next();
    const first = wire.welcome.payload.resume_token;
    // The welcome with the second token is lost: the client knows only the first one.
    const lost = await stage.resumed(wire, { form });
    await stage.drop(lost);
    const third = await stage.resumed(wire, { form, resumeToken: first });
    // A message on the connection that got the third token confirms it.
    await stage.played(third);
    await third.until((e) => e.event_seq === 2);
    await settled();
    for (const resumeToken of [first, lost.welcome.payload.resume_token]) {
      const refused = stage.resumed(third, { form, resumeToken });
      await expect(refused).rejects.toMatchObject({ payload: { code: "RESUME_WINDOW_EXPIRED" } });
    }
    await puppet.ctx.thought("untouched");
    expect(texts([await third.next()])).toEqual(["untouched"]);
  });

  test("R-6.3-16: the features stay those of the first welcome, whatever the resume lists", async () => {
    await using stage = await Stage.open(way);
    const wire = await stage.greeted({ features: ["subscribe", "result_chunk"] });
    const { puppet } = await stage.played(wire);
    await wire.next();
    await stage.drop(wire);
    await puppet.ctx.progress({ current: 1 });
    const again = await stage.resumed(wire, { form, features: ["progress", "subscribe"] });
    expect(again.welcome.payload.capabilities.features).toEqual(["subscribe", "result_chunk"]);
    await puppet.ctx.progress({ current: 2 });
    await puppet.ctx.result.write("chunk");
    puppet.finish();
    const all = await again.until(isTerminal);
    expect(seqs(all)).toEqual([2, 3, 4]);
    expect(all.map((e) => (e.type === "job.event" ? e.payload.kind : e.type))).toEqual([
      "result_chunk",
      "result_chunk",
      "job.result",
    ]);
  });

  test("R-6.3-8: an acceptance of which no envelope was seen is repeated, and others are not", async () => {
    await using stage = await Stage.open(way);
    const wire = await stage.greeted();
    const known = await stage.played(wire);
    await wire.next();
    const unknown = await stage.played(wire);
    await wire.until((e) => e.job_id === unknown.id);
    await stage.drop(wire);
    const again = await stage.resumed(wire, { form, lastEventSeq: 1 });
    const repeated = await again.notice((envelope) => envelope.type === "job.accepted");
    const { request_id } = unknown.accepted.payload;
    expect(repeated).toMatchObject({ job_id: unknown.id, payload: { request_id } });
    expect(repeated.payload).toEqual(unknown.accepted.payload);
    const frames = again.transcript.toString().split("\n");
    const position = (text: string) => frames.findLastIndex((frame) => frame.includes(text));
    await again.until((e) => e.job_id === unknown.id);
    expect(position("job.accepted")).toBe(position("session.welcome") + 1);
    expect(again.transcript.toString()).not.toContain(
      `"request_id":"${known.accepted.payload.request_id}"`,
    );
  });

  test("R-6.3-14: subscriptions survive, and what they missed comes too", async () => {
    await using stage = await Stage.open(way);
    const owner = await stage.greeted();
    const { id, puppet } = await stage.played(owner);
    const watcher = await stage.greeted({ token: tokens.alice2 });
    await watcher.request("job.subscribe", { job_id: id, history: true }, { jobId: id });
    await watcher.next();
    await stage.drop(watcher);
    await puppet.ctx.thought("missed");
    const again = await stage.resumed(watcher, { form });
    expect(texts([await again.next()])).toEqual(["missed"]);
    puppet.finish();
    expect(seqs(await again.until(isTerminal))).toEqual([3]);
  });

  test("R-6.3-13: the resumed session still has the authority to cancel", async () => {
    await using stage = await Stage.open(way);
    const wire = await stage.greeted();
    const { id, puppet } = await stage.played(wire);
    await stage.drop(wire);
    const again = await stage.resumed(wire, { form, lastEventSeq: 0 });
    await again.notice((envelope) => envelope.type === "job.accepted");
    await again.request("job.cancel", { job_id: id, reason: "changed my mind" }, { jobId: id });
    expect(puppet.ctx.signal.aborted).toBe(true);
    puppet.finish();
    const [end] = (await again.until(isTerminal)).slice(-1);
    expect(end?.payload).toMatchObject({ code: "CANCELLED", message: "changed my mind" });
  });

  test("R-8.3-1: ten resumes in a row during a flood lose and repeat nothing", async () => {
    await using stage = await Stage.open(way);
    let wire = await stage.greeted();
    const { puppet } = await stage.played(wire);
    const count = 2_000;
    const flooding = (async () => {
      for (let i = 1; i <= count; i++) await puppet.ctx.thought(`${i}`);
      puppet.finish();
    })();
    const got: StreamEnvelope[] = [];
    for (let round = 1; round <= 10; round++) {
      got.push(...(await wire.until((e) => (e.event_seq ?? 0) >= round * 100)));
      if (round % 2 === 0) await stage.drop(wire);
      // What has arrived beyond this is lost with the client that had it.
      wire = await stage.resumed(wire, { form, lastEventSeq: got.length });
    }
    while (got.at(-1)?.type === "job.event") got.push(await wire.next());
    await flooding;
    expect(seqs(got)).toEqual(Array.from({ length: count + 2 }, (_, i) => i + 1));
    expect(texts(got).slice(1)).toEqual(Array.from({ length: count }, (_, i) => `${i + 1}`));
  });
});

describe.each(ways)("over %s", (way) => {
  test("R-6.3-8: a replay has the same content however often it is asked for", async () => {
    await using stage = await Stage.open(way);
    const wire = await stage.greeted();
    const { puppet } = await stage.played(wire);
    for (let i = 0; i < 300; i++) await puppet.ctx.thought(`${i}`);
    puppet.finish();
    const original = await wire.until(isTerminal);
    let last = wire;
    for (const lastEventSeq of [0, 1, 150, 300, 301]) {
      last = await stage.resumed(last, { lastEventSeq });
      // The sniffer compares each replayed number with what it carried before.
      expect(await last.until(isTerminal)).toEqual(original.slice(lastEventSeq));
    }
  });

  test("R-6.3-3: a session that has a job is not left for another one", async () => {
    await using stage = await Stage.open(way);
    const old = await stage.greeted();
    await stage.drop(old);
    const fresh = await stage.greeted();
    const { puppet } = await stage.played(fresh);
    const payload = { resume_token: old.welcome.payload.resume_token, last_event_seq: 0 };
    await fresh.send({ type: "session.resume", id: "req_r", payload }, { faulty: true });
    const error = await fresh.notice((envelope) => envelope.type === "session.error");
    expect(error.payload).toMatchObject({ code: "INVALID_REQUEST", request_id: "req_r" });
    puppet.finish();
    await fresh.until(isTerminal);
    await stage.resumed(old);
  });

  test("R-6.3-3: a session whose only submit was refused has no job, and is left for another one", async () => {
    await using stage = await Stage.open(way);
    const old = await stage.greeted();
    const { puppet } = await stage.played(old);
    await stage.drop(old);
    const line = await stage.line();
    const fresh = new WireClient(line.transport, { timeoutMs: PATIENCE_MS });
    await fresh.hello({ token: tokens.alice });
    await expect(fresh.submit({ agent: "nobody" })).rejects.toThrow("AGENT_NOT_AVAILABLE");
    const { resume_token } = old.welcome.payload;
    await fresh.send({ type: "session.resume", payload: { resume_token, last_event_seq: 0 } });
    const answer = await fresh.notice(({ type }) => /welcome|error/.test(type));
    expect(answer).toMatchObject({ type: "session.welcome", session_id: old.sessionId });
    puppet.finish();
  });

  test("R-6.3-3: a fresh session that is left is gone, its token with it", async () => {
    await using stage = await Stage.open(way);
    const old = await stage.greeted();
    const { puppet } = await stage.played(old);
    await stage.drop(old);
    const line = await stage.line();
    const fresh = new WireClient(line.transport, { timeoutMs: PATIENCE_MS });
    const { session_id, payload } = await fresh.hello({ token: tokens.alice });
    const { resume_token } = old.welcome.payload;
    await fresh.send({ type: "session.resume", payload: { resume_token, last_event_seq: 0 } });
    await fresh.notice(
      ({ type, session_id: id }) => type === "session.welcome" && id !== session_id,
    );
    const thief = await stage.wire();
    const position = { session_id, resume_token: payload.resume_token, last_event_seq: 0 };
    const auth = { scheme: "bearer", token: tokens.alice };
    await thief.send({ type: "session.resume", payload: { ...position, auth } });
    const error = await thief.notice(({ type }) => type === "session.error");
    expect(error.payload).toMatchObject({ code: "RESUME_WINDOW_EXPIRED" });
    puppet.finish();
    await line.transport.close();
  });

  test("R-6.3-3: a fresh session that resumes itself goes on", async () => {
    await using stage = await Stage.open(way);
    const wire = await stage.greeted();
    const { resume_token } = wire.welcome.payload;
    await wire.send({ type: "session.resume", payload: { resume_token, last_event_seq: 0 } });
    const answer = await wire.notice(({ type }) => /welcome|error/.test(type));
    expect(answer).toMatchObject({ type: "session.welcome", session_id: wire.sessionId });
    const { puppet } = await stage.played(wire);
    await puppet.ctx.thought("alive");
    await wire.until((e) => e.event_seq === 2);
    await stage.drop(wire);
    const again = await stage.resumed(wire);
    puppet.finish();
    expect(seqs(await again.until(isTerminal))).toEqual([3]);
  });

  test("R-6.3-15: of two resumes that race, one session comes out, whole, and the other connection is closed", async () => {
    await using stage = await Stage.open(way);
    for (let round = 0; round < 20; round++) {
      const wire = await stage.greeted();
      const { puppet } = await stage.played(wire);
      await wire.next();
      if (round % 2 === 0) await stage.drop(wire);
      const lines = [await stage.line(), await stage.line()];
      const auth = { scheme: "bearer", token: tokens.alice };
      const { resume_token } = wire.welcome.payload;
      const payload = { resume_token, last_event_seq: 1, auth };
      const frames = lines.map((_, i) =>
        JSON.stringify({ arcp: "1.1", id: `req_race${i}`, type: "session.resume", payload }),
      );
      await Promise.all(lines.map(({ transport }, i) => transport.send([frames[i] ?? ""])));
      const heard = lines.map(async ({ transport }) => {
        const got: string[] = [];
        try {
          for await (const frame of transport.frames) {
            const { type, event_seq } = JSON.parse(frame);
            got.push(event_seq === undefined ? type : `${event_seq}`);
            if (type === "job.result") return got;
          }
        } catch {
          // Closed as refused.
        }
        return got;
      });
      const loser = await Promise.race(heard);
      expect(["", "session.error", "session.welcome"]).toContain(loser.join());
      await puppet.ctx.thought("one heir");
      puppet.finish();
      const got = await Promise.all(heard);
      expect(got.filter((frames) => frames.join() === "session.welcome,2,3")).toHaveLength(1);
    }
  });

  test("R-6.3-15: resumes in the middle of a flood hand over without a gap or a repetition", async () => {
    await using stage = await Stage.open(way);
    const wire = await stage.greeted();
    const { puppet } = await stage.played(wire);
    const stop = flood(puppet);
    let last = wire;
    for (let round = 0; round < 10; round++) {
      await last.until((e) => (e.event_seq ?? 0) >= round * 300 + 50);
      // The client has less than was sent, and the old connection is in mid-batch.
      last = await stage.resumed(last, { lastEventSeq: round * 300 });
    }
    await stop();
    const rest = await last.until(isTerminal);
    const [first] = rest;
    expect(first?.event_seq).toBe(2_701);
    expect(seqs(rest)).toEqual(Array.from({ length: rest.length }, (_, i) => 2_701 + i));
    expect(rest.every(isStreamEnvelope)).toBe(true);
  });
});
