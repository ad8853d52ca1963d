import type { Envelope } from "@arcp/core";
import type { PlainStep, Script, Step } from "../test-agents/step.ts";
import type { WireClient } from "../wire/wire-client.ts";

type DelegateStep = Extract<PlainStep, { do: "delegate" }>;

/** A step that delegates a script to the script agent. */
export function childOf(
  script: Script | readonly Step[],
  rest: Omit<Partial<DelegateStep>, "do" | "input"> = {},
): DelegateStep {
  const input = ("steps" in script ? script : { steps: script }) as DelegateStep["input"];
  return { do: "delegate", agent: "conformance.script", input, ...rest };
}

/** The next child that a session is told of. */
export async function born(wire: WireClient): Promise<Envelope<"job.accepted">["payload"]> {
  return (await wire.notice(isAcceptance)).payload;
}

function isAcceptance(envelope: Envelope): envelope is Envelope<"job.accepted"> {
  return envelope.type === "job.accepted";
}
