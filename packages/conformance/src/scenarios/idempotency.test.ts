import { ManualClock } from "@arcp/core";
import { describe, expect, test } from "vitest";
import { ways } from "../../test/line.ts";
import { eventually, Stage, settled, tokens } from "../../test/stage.ts";
import type { StreamEnvelope } from "../wire/stream-envelope.ts";

const isTerminal = ({ type }: StreamEnvelope): boolean => type !== "job.event";
const jobSeqs = (envelopes: readonly StreamEnvelope[]) => envelopes.map(({ job_seq }) => job_seq);
const keyed = { agent: "puppet", input: { a: 1, b: [2] }, idempotency_key: "k" };
const code = (code: string) => ({ payload: { code } });
const without = ({ request_id: _, ...rest }: { request_id?: unknown }) => rest;

describe.each(ways)("over %s", (way) => {
  test("R-7.2-8: a retry after the owner's session is gone makes its session the owner", async () => {
    const clock = new ManualClock();
    await using stage = await Stage.open(way, { clock });
    const first = await stage.greeted();
    const { id, puppet, accepted } = await stage.played(first, keyed);
    await puppet.ctx.thought("a");
    await first.until((e) => e.job_seq === 2);
    await stage.drop(first);
    await eventually(() => !stage.runtime.sessions.get(first.sessionId)?.connected);
    await settled();
    clock.advance(600_000);
    await settled();
    const heir = await stage.greeted({ token: tokens.alice2, features: ["subscribe"] });
    const { payload } = await heir.submit(keyed);
    expect(without(payload)).toEqual(without(accepted.payload));
    expect(jobSeqs(await heir.until((e) => e.job_seq === 2))).toEqual([1, 2]);
    const late = await stage.greeted({ features: ["subscribe"] });
    await late.submit(keyed);
    await expect(late.request("job.cancel", { job_id: id })).rejects.toMatchObject(
      code("PERMISSION_DENIED"),
    );
    await heir.request("job.cancel", { job_id: id });
    puppet.finish();
    const [end] = (await heir.until(isTerminal)).slice(-1);
    expect(end?.payload).toMatchObject({ code: "CANCELLED" });
    expect(jobSeqs(await late.until(isTerminal))).toEqual([1, 2, 3]);
  });
});
