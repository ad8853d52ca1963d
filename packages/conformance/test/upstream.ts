import { newSecret } from "@arcp/core";
import type { Provisioner } from "@arcp/runtime";

/** An upstream whose credentials carry the lease that they were issued for. */
export function upstream() {
  /** All that it ever made, in order. */
  const values: string[] = [];
  const llm: Provisioner = {
    async issue({ models }) {
      const value = `sk-${newSecret()}`;
      values.push(value);
      const constraints = { "model.use": models, "cost.budget": ["EUR:1"] };
      return { value, endpoint: "https://llm.example/v1", constraints };
    },
    revoke: async () => true,
  };
  return { values, provisioners: { llm } };
}
