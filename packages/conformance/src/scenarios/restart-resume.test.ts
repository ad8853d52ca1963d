import { ManualClock } from "@arcp/core";
import { describe, expect, test } from "vitest";
import { durableWays } from "../../test/line.ts";
import { flood } from "../../test/puppets.ts";
import { Stage, settled, tokens } from "../../test/stage.ts";
import type { ResumeForm } from "../wire/opening-request.ts";
import type { StreamEnvelope } from "../wire/stream-envelope.ts";

const forms: readonly ResumeForm[] = ["resume", "nested", "flat", "after-hello"];
// The forms differ in how they are parsed, which is the same in all ways.
const combinations = durableWays.flatMap((way, index) =>
  (index === 0 ? forms : forms.slice(0, 1)).map((form) => ({ way, form })),
);

const isTerminal = ({ type }: StreamEnvelope): boolean => type !== "job.event";
const seqs = (envelopes: readonly StreamEnvelope[]) => envelopes.map(({ event_seq }) => event_seq);
const dense = (count: number, from = 1) => Array.from({ length: count }, (_, i) => from + i);
const texts = (envelopes: readonly StreamEnvelope[]) =>
  envelopes.flatMap((e) => (e.type === "job.event" ? (e.payload.body["text"] ?? []) : []));
const interrupted = { code: "INTERNAL_ERROR", final_status: "error", retryable: true };
const refused = { payload: { code: "RESUME_WINDOW_EXPIRED" } };

describe.each(combinations)(
  "as $form over $way, through a crash of the runtime",
  ({ way, form }) => {
    test("R-6.3-20, R-6.3-1 and R-6.3-8: the missed events of two jobs come once, in order, and then their ends", async () => {
      await using stage = await Stage.open(way);
      const wire = await stage.greeted();
      const [one, two] = [await stage.played(wire), await stage.played(wire)];
      await one.puppet.ctx.thought("seen");
      const seen = await wire.until((e) => e.event_seq === 3);
      await stage.drop(wire);
      for (const text of ["a", "b", "c"]) {
        await one.puppet.ctx.thought(`one ${text}`);
        await two.puppet.ctx.thought(`two ${text}`);
      }
      await Promise.all([one.puppet.ctx.flush(), two.puppet.ctx.flush()]);
      await stage.restart();
      const again = await stage.resumed(wire, { form });
      expect(again.sessionId).toBe(wire.sessionId);
      expect(again.welcome.payload.resume_token).not.toBe(wire.welcome.payload.resume_token);
      const missed = [...(await again.until(isTerminal)), ...(await again.until(isTerminal))];
      expect(seqs(missed)).toEqual(dense(missed.length, seen.length + 1));
      for (const [name, { id }] of Object.entries({ one, two })) {
        const ofJob = [...seen, ...missed].filter(({ job_id }) => job_id === id);
        expect(ofJob.map(({ job_seq }) => job_seq)).toEqual(dense(ofJob.length));
        const said = texts(ofJob).filter((text) => text !== "seen");
        expect(said).toEqual(["a", "b", "c"].map((text) => `${name} ${text}`));
        expect(ofJob.at(-1)?.payload).toMatchObject(interrupted);
      }
      // The session works as before, with the numbers that follow.
      const next = await stage.played(again);
      next.puppet.finish("after");
      const end = (await again.until(isTerminal)).at(-1);
      expect(end?.payload).toMatchObject({ result: "after" });
      expect(end?.event_seq).toBe(seen.length + missed.length + 2);
    });

    test("R-6.3-9: a client that has seen everything gets nothing again, even if the runtime crashes twice", async () => {
      await using stage = await Stage.open(way);
      let wire = await stage.greeted();
      const { puppet } = await stage.played(wire);
      puppet.finish();
      await wire.until(isTerminal);
      await settled();
      for (const last of [2, 4]) {
        await stage.restart();
        wire = await stage.resumed(wire, { form });
        const { puppet: next } = await stage.played(wire);
        next.finish();
        expect(seqs(await wire.until(isTerminal))).toEqual([last + 1, last + 2]);
      }
    });

    test("R-6.3-7: the token of a lost welcome costs nobody the session, and a token once void stays void", async () => {
      await using stage = await Stage.open(way);
      const wire = await stage.greeted();
      await stage.played(wire);
      await wire.next();
      const first = wire.welcome.payload.resume_token;
      // The welcome with the second token is lost, and then the runtime dies.
      const second = await stage.resumed(wire, { form });
      await stage.restart();
      const third = await stage.resumed(wire, { form, resumeToken: first });
      // That welcome is lost as well: the second token, issued after the first, stays valid until a later one is confirmed.
      await stage.restart();
      const secondToken = second.welcome.payload.resume_token;
      const fourth = await stage.resumed(second, { form, resumeToken: secondToken });
      await expect(stage.resumed(wire, { form, resumeToken: first })).rejects.toMatchObject(
        refused,
      );
      // A message on the connection that got the fourth token confirms it.
      await stage.played(fourth);
      await stage.restart();
      for (const resumeToken of [first, secondToken, third.welcome.payload.resume_token]) {
        const late = stage.resumed(fourth, { form, resumeToken });
        await expect(late).rejects.toMatchObject(refused);
      }
      await stage.resumed(fourth, { form });
    });

    test("R-6.3-4 and R-6.3-10: strangers and impossible positions are refused as before the crash", async () => {
      await using stage = await Stage.open(way);
      const wire = await stage.greeted();
      await stage.played(wire);
      await wire.next();
      await stage.restart();
      const bobs = stage.resumed(wire, { form, token: tokens.bob });
      await expect(bobs).rejects.toMatchObject(refused);
      // Two numbers are its own: those of the start and of the end that the crash brought.
      const ahead = stage.resumed(wire, { form, lastEventSeq: 3 });
      await expect(ahead).rejects.toMatchObject(refused);
      const again = await stage.resumed(wire, { form });
      expect(seqs(await again.until(isTerminal))).toEqual([2]);
    });

    test("R-6.3-16: the features stay those of the first welcome", async () => {
      await using stage = await Stage.open(way);
      const wire = await stage.greeted({ features: ["subscribe"] });
      const { puppet } = await stage.played(wire);
      await puppet.ctx.progress({ current: 1 });
      await puppet.ctx.thought("seen");
      await wire.until((e) => e.event_seq === 2);
      await stage.drop(wire);
      await puppet.ctx.progress({ current: 2 });
      await puppet.ctx.thought("missed");
      await puppet.ctx.flush();
      await stage.restart();
      const again = await stage.resumed(wire, { form, features: ["progress", "subscribe"] });
      expect(again.welcome.payload.capabilities.features).toEqual(["subscribe"]);
      const missed = await again.until(isTerminal);
      expect(missed.map(({ event_seq, job_seq }) => [event_seq, job_seq])).toEqual([
        [3, 5],
        [4, 6],
      ]);
    });
  },
);

describe.each(durableWays)("over %s, through a crash of the runtime", (way) => {
  test("R-6.3-11: the window counts from the restart, for connected and disconnected sessions alike", async () => {
    const clock = new ManualClock();
    await using stage = await Stage.open(way, { clock });
    const greeted = () => stage.greeted();
    const [present, away, late] = [await greeted(), await greeted(), await greeted()];
    await stage.drop(away);
    await settled();
    clock.advance(500_000);
    await stage.restart();
    // A reply proves that everything before it was restored.
    await greeted();
    await settled();
    clock.advance(599_999);
    for (const wire of [present, away]) {
      expect((await stage.resumed(wire)).sessionId).toBe(wire.sessionId);
    }
    clock.advance(1);
    await settled();
    await expect(stage.resumed(late)).rejects.toMatchObject(refused);
    // And it stays so after another crash.
    await stage.restart();
    await expect(stage.resumed(late)).rejects.toMatchObject(refused);
    await stage.resumed(away);
  });

  test("R-8.3-1 and R-6.3-20: crashes in the middle of a flood lose and repeat no numbered event", async () => {
    await using stage = await Stage.open(way);
    let wire = await stage.greeted();
    const got: StreamEnvelope[] = [];
    const ids: string[] = [];
    for (const form of forms) {
      const { id, puppet } = await stage.played(wire);
      ids.push(id);
      const stop = flood(puppet);
      const start = got.length;
      got.push(...(await wire.until(({ event_seq = 0 }) => event_seq >= start + 150)));
      await stage.restart();
      await stop();
      // What has arrived beyond this is lost with its client.
      wire = await stage.resumed(wire, { form, lastEventSeq: got.length });
      got.push(...(await wire.until(isTerminal)));
      expect(got.at(-1)).toMatchObject({ job_id: id, payload: interrupted });
    }
    expect(seqs(got)).toEqual(dense(got.length));
    for (const id of ids) {
      const ofJob = got.filter(({ job_id }) => job_id === id);
      expect(ofJob.map(({ job_seq }) => job_seq)).toEqual(dense(ofJob.length));
      expect(texts(ofJob)).toEqual(texts(ofJob).map((_, i) => `${i}`));
    }
  });

  test("R-6.3-8: a replay has the same content as before the crash, from any position", async () => {
    await using stage = await Stage.open(way);
    const wire = await stage.greeted();
    const { puppet } = await stage.played(wire);
    for (let i = 0; i < 300; i++) await puppet.ctx.thought(`${i}`);
    puppet.finish();
    const original = await wire.until(isTerminal);
    await settled();
    let last = wire;
    for (const lastEventSeq of [0, 1, 150, 301]) {
      await stage.restart();
      last = await stage.resumed(last, { lastEventSeq });
      expect(await last.until(isTerminal)).toEqual(original.slice(lastEventSeq));
    }
  });
});
