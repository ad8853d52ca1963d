import { describe, expect, test } from "vitest";
import { ways } from "../../test/line.ts";
import { Stage } from "../../test/stage.ts";
import type { StreamEnvelope } from "../wire/stream-envelope.ts";

const isTerminal = ({ type }: StreamEnvelope): boolean => type !== "job.event";
const kinds = (envelopes: readonly StreamEnvelope[]) =>
  envelopes.map((e) => (e.type === "job.event" ? e.payload.kind : e.type));
const lease_request = { "cost.budget": ["EUR:1"], "tool.call": ["t"] };

describe.each(ways)("over %s", (way) => {
  test("R-9.6-7: an exhausted budget ends the job only if the operator chose so, and after the refusal", async () => {
    for (const endJobsAtExhaustion of [true, undefined]) {
      await using stage = await Stage.open(way, {
        tools: { t: () => 1 },
        ...(endJobsAtExhaustion && { endJobsAtExhaustion }),
      });
      const wire = await stage.greeted();
      const { puppet } = await stage.played(wire, { lease_request });
      await puppet.ctx.metric({ name: "cost.x", value: 1.5, unit: "EUR" });
      await puppet.ctx.log.info("a word is no operation");
      const refused = { code: "BUDGET_EXHAUSTED" };
      await expect(puppet.ctx.tools.call("t")).rejects.toMatchObject(refused);
      if (!endJobsAtExhaustion) puppet.finish("done");
      const all = await wire.until(isTerminal);
      const end = endJobsAtExhaustion ? "job.error" : "job.result";
      expect(kinds(all).slice(-4)).toEqual(["log", "tool_call", "tool_result", end]);
      expect(all.at(-1)?.payload).toMatchObject(
        endJobsAtExhaustion
          ? { code: "BUDGET_EXHAUSTED", final_status: "error", retryable: false }
          : { result: "done", final_status: "success" },
      );
    }
  });
});
