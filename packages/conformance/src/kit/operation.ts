import type { Step } from "../test-agents/step.ts";

/** An operation of each namespace, all of which one lease may cover. */
export const operations: readonly (readonly [capability: string, target: string])[] = [
  ["fs.read", "/srv/a"],
  ["fs.write", "/srv/a"],
  ["net.fetch", "https://acme.test/"],
  ["tool.call", "conformance.echo"],
  ["agent.delegate", "conformance.script"],
  ["model.use", "conformance/small"],
  ["x-vendor.acme.thing", "a"],
];

/** Performs each of them. */
export const asking = operations.map(
  ([capability, target]): Step => ({ do: "authorize", capability, target, as: capability }),
);
