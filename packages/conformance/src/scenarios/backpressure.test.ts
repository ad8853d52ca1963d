import { BackpressureError } from "@arcp/runtime";
import { describe, expect, test } from "vitest";
import { ways } from "../../test/line.ts";
import { Stage, tokens } from "../../test/stage.ts";
import type { StreamEnvelope } from "../wire/stream-envelope.ts";

const isTerminal = ({ type }: StreamEnvelope): boolean => type !== "job.event";
const messages = (envelopes: readonly StreamEnvelope[]) =>
  envelopes.flatMap(({ type, payload }) =>
    type === "job.event" && payload.kind === "log" ? [payload.body.message] : [],
  );

describe.each(ways)("an agent that does not await, over %s", (way) => {
  test("R-8.3-1: reaches its bound, goes on when there is room, and all accepted events arrive once and in order", async () => {
    await using stage = await Stage.open(way);
    const wire = await stage.greeted();
    const { puppet } = await stage.played(wire);
    await puppet.ctx.flush();
    const bursts: number[] = [];
    for (let sent = 0, burst = 0; sent < 10_000; burst = 0) {
      try {
        for (; sent < 10_000; sent++, burst++) void puppet.ctx.log.info(`${sent}`);
      } catch (error) {
        if (!(error instanceof BackpressureError)) throw error;
        await error.relieved;
      }
      bursts.push(burst);
    }
    puppet.finish();
    const all = await wire.until(isTerminal);
    // Room appears as calls to the store complete, and all of it is used.
    expect(bursts.slice(0, 2)).toEqual([4096, 1024]);
    expect(messages(all)).toEqual(Array.from({ length: 10_000 }, (_, n) => `${n}`));
  });

  test("R-7.3-8: ends with INTERNAL_ERROR if it lets the error escape, and nobody else notices", async () => {
    await using stage = await Stage.open(way);
    const wire = await stage.greeted();
    const { puppet: flooding, id } = await stage.played(wire);
    const stranger = await stage.greeted({ token: tokens.bob });
    const { puppet: other } = await stage.played(stranger);
    await flooding.ctx.flush();
    try {
      for (;;) void flooding.ctx.log.info("more");
    } catch (error) {
      flooding.fail(error);
    }
    await other.ctx.log.info("undisturbed");
    other.finish("well");
    const its = await stranger.until(isTerminal);
    expect(messages(its)).toEqual(["undisturbed"]);
    expect(its.at(-1)?.payload).toMatchObject({ final_status: "success", result: "well" });
    const all = await wire.until(isTerminal);
    expect(messages(all)).toHaveLength(4096);
    expect(all.at(-1)).toMatchObject({ job_id: id, payload: { code: "INTERNAL_ERROR" } });
  });
});
