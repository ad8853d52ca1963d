import { describe, expect, test } from "vitest";
import { ways } from "../../test/line.ts";
import { Stage } from "../../test/stage.ts";
import type { StreamEnvelope } from "../wire/stream-envelope.ts";

const isTerminal = ({ type }: StreamEnvelope): boolean => type !== "job.event";
const subscribe = { history: true } as const;
/** Events whose text soon fills a socket's buffers, and a log that keeps fewer than that takes. */
const TEXT = "x".repeat(12_000);
const FLOOD = 1_000;
const logLimits = { records: 200 };

describe.each(ways)("over %s", (way) => {
  test("R-6.3-17: a viewer that falls behind the stored log loses that subscription alone, and is told so", async () => {
    await using stage = await Stage.open(way, { logLimits });
    const owner = await stage.greeted();
    const { id, puppet } = await stage.played(owner);
    const watcher = await stage.greeted();
    const other = await stage.played(watcher);
    const request = { id: "req_lag" };
    await watcher.request("job.subscribe", { job_id: id, ...subscribe }, request);
    stage.lineOf(watcher).stall();
    for (let i = 1; i <= FLOOD; i++) {
      await puppet.ctx.thought(TEXT);
      // The owner keeps up, so that it does not fall behind as well.
      if (i % 100 === 0) await owner.until((e) => e.job_seq === i + 1);
    }
    stage.lineOf(watcher).release();
    const lost = await watcher.notice(({ type }) => type === "session.error");
    const expected = { code: "RESUME_WINDOW_EXPIRED", request_id: "req_lag", job_id: id };
    expect(lost.payload).toMatchObject(expected);
    // Its own job goes on unaffected, without a gap in the numbers.
    other.puppet.finish("alive");
    const seen = await watcher.until((e) => isTerminal(e) && e.job_id === other.id);
    const last = seen.findLast(({ job_id }) => job_id === id)?.job_seq ?? 0;
    expect(last).toBeLessThan(FLOOD - 200);
    await puppet.ctx.thought("nobody's");
    await puppet.ctx.flush();
    // It can return to what is stored.
    const told = await watcher.request("job.subscribe", { job_id: id, ...subscribe });
    expect(told.payload).toMatchObject({ truncated: true, replayed: true });
    const again = await watcher.until((e) => e.job_seq === FLOOD + 2);
    // Not before: one record more, and the oldest one is evicted.
    puppet.finish();
    again.push(...(await watcher.until(isTerminal)));
    const kept = again.map(({ job_seq }) => job_seq);
    expect([kept[0], kept.at(-1), kept.length]).toEqual([FLOOD - 197, FLOOD + 3, 201]);
    await owner.until(isTerminal);
  });

  test("R-6.3-17: an owner that falls behind the stored log is disconnected, and its job runs on", async () => {
    await using stage = await Stage.open(way, { logLimits });
    const owner = await stage.greeted();
    const { id, puppet } = await stage.played(owner);
    await owner.next();
    stage.lineOf(owner).stall();
    for (let i = 1; i <= FLOOD; i++) await puppet.ctx.thought(TEXT);
    await puppet.ctx.flush();
    stage.lineOf(owner).release();
    const error = await owner.notice(({ type }) => type === "session.error");
    expect(error.payload).toMatchObject({ code: "RESUME_WINDOW_EXPIRED" });
    expect(error.payload).not.toHaveProperty("request_id");
    expect(await owner.closed).toBe("refused");
    expect(puppet.ctx.signal.aborted).toBe(false);
    // Nothing was skipped silently: earlier events have no gap, and a resume is refused.
    await expect(stage.resumed(owner)).rejects.toMatchObject({
      payload: { code: "RESUME_WINDOW_EXPIRED" },
    });
    const heir = await stage.greeted();
    await heir.request("job.subscribe", { job_id: id, ...subscribe });
    puppet.finish("on its way");
    expect((await heir.until(isTerminal)).at(-1)?.payload).toMatchObject({ result: "on its way" });
  });
});
