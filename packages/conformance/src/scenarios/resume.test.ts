import { describe, expect, test } from "vitest";
import { ways } from "../../test/line.ts";
import { PATIENCE_MS, Stage, settled, tokens } from "../../test/stage.ts";
import type { StreamEnvelope } from "../wire/stream-envelope.ts";
import { WireClient } from "../wire/wire-client.ts";

const isTerminal = ({ type }: StreamEnvelope): boolean => type !== "job.event";
const seqs = (envelopes: readonly StreamEnvelope[]) => envelopes.map(({ event_seq }) => event_seq);
describe.each(ways)("over %s", (way) => {
  test("R-6.3-12: the end of a job that came while the client was away is delivered once", async () => {
    await using stage = await Stage.open(way);
    const wire = await stage.greeted();
    const { id, puppet } = await stage.played(wire);
    await wire.next();
    await stage.drop(wire);
    await puppet.ctx.thought("alone");
    puppet.finish("done alone");
    await settled();
    const again = await stage.resumed(wire);
    const missed = await again.until(isTerminal);
    expect(seqs(missed)).toEqual([2, 3]);
    expect(missed.at(-1)).toMatchObject({ job_id: id, payload: { result: "done alone" } });
    await stage.drop(again);
    const third = await stage.resumed(again);
    const { puppet: next } = await stage.played(third);
    next.finish();
    expect(seqs(await third.until(isTerminal))).toEqual([4, 5]);
  });

  test("R-6.3-3: a session whose only submit was refused has no job, and may be left for another one", async () => {
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

  test("R-6.3-15: of two racing resumes, one gets the whole session, and the other connection is closed", async () => {
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
});
