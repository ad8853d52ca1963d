import { defineAgent } from "@arcp/runtime";
import { describe, expect, test } from "vitest";
import { ways } from "../../test/line.ts";
import { eventually, Stage, settled } from "../../test/stage.ts";
import type { WireClient } from "../wire/wire-client.ts";

/** An agent whose input check waits until the test lets it pass. */
function slowAgent() {
  const checks: PromiseWithResolvers<void>[] = [];
  const agent = defineAgent({
    name: "slow",
    input: {
      "~standard": {
        version: 1,
        vendor: "test",
        async validate(value) {
          const check = Promise.withResolvers<void>();
          checks.push(check);
          await check.promise;
          return value === "bad" ? { issues: [{ message: "is bad", path: ["x"] }] } : { value };
        },
      },
    },
    run: (_ctx, input) => input,
  });
  return { agent, checks };
}

/** The replies to submits in the order in which they came. */
function replies(wire: WireClient): string[] {
  const lines = wire.transcript.toString().split("\n");
  return lines.flatMap((line) => {
    const match = /^<- .*"type":"(job\.accepted|session\.error)".*?"request_id":"(req_\w+)"/;
    const [, type, id] = match.exec(line) ?? [];
    return id === undefined ? [] : [`${id} ${type === "job.accepted" ? "accepted" : "refused"}`];
  });
}

describe.each(ways)("over %s", (way) => {
  test("R-5.4-5 and R-7.1-2: submits are processed concurrently and answered in order", async () => {
    const slow = slowAgent();
    await using stage = await Stage.open(way, { agents: [slow.agent] });
    const wire = await stage.greeted();
    const submit = (id: string, payload: object) => wire.send({ type: "job.submit", id, payload });
    await submit("req_1", { agent: "slow", input: 1 });
    await submit("req_2", { agent: "nobody" });
    await submit("req_3", { agent: "puppet" });
    await submit("req_4", { agent: "slow", input: "bad" });
    await submit("req_5", { agent: "puppet" });
    await eventually(() => slow.checks.length === 2);
    // The fourth is decided, but earlier requests are answered first.
    slow.checks[1]?.resolve();
    await settled();
    expect(replies(wire)).toEqual([]);
    expect(stage.puppets.started).toBe(0);
    slow.checks[0]?.resolve();
    await wire.reply("job.submit", "req_5");
    const order = ["req_1 accepted", "req_2 refused", "req_3 accepted", "req_4 refused"];
    expect(replies(wire)).toEqual([...order, "req_5 accepted"]);
  });

  test("R-5.4-8: a rejection is repeated as well, even if the submit would be accepted by now", async () => {
    await using stage = await Stage.open(way);
    const wire = await stage.greeted();
    const submit = (id: string) => wire.request("job.submit", { agent: "later" }, { id });
    const unknown = { payload: { code: "AGENT_NOT_AVAILABLE" } };
    await expect(submit("req_1")).rejects.toMatchObject(unknown);
    stage.runtime.agents.register(defineAgent({ name: "later", run: () => 1 }));
    await expect(submit("req_1")).rejects.toMatchObject(unknown);
    await submit("req_2");
  });
});
