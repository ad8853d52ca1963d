import { ArcpError } from "@arcp/core";
import type { AnyAgent } from "./agents.ts";

/**
 * What an agent gets of a submitted input: as its schema makes it.
 * @param place of the input in the request, for humans
 * @throws ArcpError `INVALID_REQUEST` when the schema refuses it
 */
export async function checkedInput(
  agent: AnyAgent,
  input: unknown,
  place = "payload.input",
): Promise<unknown> {
  if (agent.input === undefined) return input ?? null;
  const outcome = await agent.input["~standard"].validate(input ?? null);
  if (outcome.issues === undefined) return outcome.value;
  const [issue] = outcome.issues;
  const path = issue?.path?.map((part) => (typeof part === "object" ? part.key : part)) ?? [];
  throw new ArcpError(
    "INVALID_REQUEST",
    `${[place, ...path].join(".")}: ${issue?.message ?? "is invalid"}`,
  );
}
