import { newSecret } from "@arcp/core";
import type { Provisioner } from "@arcp/runtime";
import { describe, expect, test } from "vitest";
import { durableWays } from "../../test/line.ts";
import { eventually, Stage, tokens } from "../../test/stage.ts";
import type { StreamEnvelope } from "../wire/stream-envelope.ts";

/** An upstream that outlives the processes of its stage. */
function upstream() {
  const alive = new Map<string, string>();
  const llm: Provisioner = {
    async issue({ alias }) {
      const value = `sk-${newSecret()}`;
      alive.set(alias, value);
      return { value, endpoint: "https://llm.example/v1" };
    },
    revoke: async (alias) => alive.delete(alias),
  };
  return { alive, provisioners: { llm } };
}

const isEnd = ({ type }: StreamEnvelope): boolean => type !== "job.event";
const rotation = ({ payload }: StreamEnvelope) =>
  (payload as { body?: { phase?: string; value?: string } }).body;
const isRotation = (envelope: StreamEnvelope): boolean =>
  rotation(envelope)?.phase === "credential_rotated";

describe.each(durableWays)("over %s", (way) => {
  test("R-9.8-2, R-9.8-9, R-9.8-11: a credential lives from its issue, over a rotation and a resume, to its end", async () => {
    const { alive, provisioners } = upstream();
    await using stage = await Stage.open(way, { provisioners, policy: { mayObserve: () => true } });
    const wire = await stage.greeted();
    const { accepted, id, puppet } = await stage.played(wire);
    const [first] = alive.values();
    expect(accepted.payload.credentials).toMatchObject([{ scheme: "bearer", value: first }]);
    const bob = await stage.greeted({ token: tokens.bob });
    await bob.request("job.subscribe", { job_id: id, history: true });

    await stage.runtime.credentials.rotate(id);
    const told = await wire.next(isRotation);
    const [second] = alive.values();
    expect(rotation(told)).toMatchObject({ value: second });
    expect(second).not.toBe(first);
    const back = await stage.resumed(wire, { lastEventSeq: 0 });
    expect(rotation(await back.next(isRotation))).toMatchObject({ value: second });

    puppet.finish("done");
    await back.next(isEnd);
    const watched = await bob.until(isEnd);
    await eventually(() => stage.runtime.credentials.list().length === 0);
    expect(alive.size).toBe(0);
    const again = await stage.resumed(back, { lastEventSeq: 0 });
    expect(rotation(await again.next(isRotation))).not.toHaveProperty("value");
    await again.next(isEnd);
    const listing = await again.request("session.list_jobs", {});
    const seen = JSON.stringify([watched, listing, stage.logged]);
    for (const value of [first, second]) expect(seen).not.toContain(value);
  });

  test("R-9.8-4, R-9.8-8: credentials that a crash leaves alive are revoked by the next process", async () => {
    const { alive, provisioners } = upstream();
    await using stage = await Stage.open(way, { provisioners });
    const wire = await stage.greeted();
    const { id } = await stage.played(wire);
    expect(alive.size).toBe(1);
    await stage.restart();
    const back = await stage.resumed(wire);
    expect((await back.next(isEnd)).job_id).toBe(id);
    await eventually(() => stage.runtime.credentials.list().length === 0);
    expect(alive.size).toBe(0);
  });
});
