import assert from "node:assert/strict";
import type { Step } from "../../test-agents/step.ts";
import { bodiesOf } from "../event-body.ts";
import { feature } from "../need.ts";
import type { Scenario } from "../scenario.ts";
import { answersOf } from "../script-outcome.ts";

const models = feature("model.use");

const call = (id: string): Step => ({ do: "model", id, as: id });

export const model: readonly Scenario[] = [
  {
    name: "a model that no pattern covers is not called",
    verifies: ["R-9.7-1"],
    needs: [models],
    async play(site) {
      const wire = await site.greeted();
      const others = ["conformance/large", "conformance", "conformance/x/small", "other/small"];
      const lease_request = { "model.use": ["conformance/s*"] };
      const all = await site.played(wire, ["conformance/small", ...others].map(call), {
        lease_request,
      });
      const { "conformance/small": own, ...answers } = answersOf(all);
      assert.equal(own, "allowed");
      for (const id of others) assert.equal(answers[id], "PERMISSION_DENIED", id);
      const errors = bodiesOf(all, "tool_result").filter(({ error }) => error !== undefined);
      assert.equal(errors.length, others.length, "each refusal shows on the stream");
    },
  },
  {
    name: "a lease without model.use allows no model",
    verifies: ["R-9.7-2"],
    needs: [models],
    async play(site) {
      const wire = await site.greeted();
      for (const lease_request of [{}, { "tool.call": ["**"] }, { "model.use": [] }]) {
        const all = await site.played(wire, [call("conformance/small")], { lease_request });
        assert.equal(answersOf(all)["conformance/small"], "PERMISSION_DENIED");
      }
    },
  },
  {
    name: "model.use is negotiated with a client that wants no credentials",
    verifies: ["R-9.7-3"],
    async play(site) {
      const wire = await site.greeted({ features: ["model.use"] });
      assert.deepEqual([...wire.features], ["model.use"]);
    },
  },
];
