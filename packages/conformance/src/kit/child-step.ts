import type { PlainStep, Script, Step } from "../test-agents/step.ts";

type DelegateStep = Extract<PlainStep, { do: "delegate" }>;

/** A step that delegates a script to the agent of scripts. */
export function childOf(
  script: Script | readonly Step[],
  rest: Omit<Partial<DelegateStep>, "do" | "input"> = {},
): DelegateStep {
  const input = ("steps" in script ? script : { steps: script }) as DelegateStep["input"];
  return { do: "delegate", agent: "conformance.script", input, ...rest };
}
