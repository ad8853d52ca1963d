import { ArcpError, checked } from "@arcp/core";
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
  const outcome = await checked(agent.input, input ?? null);
  if (outcome.ok) return outcome.value;
  throw new ArcpError(
    "INVALID_REQUEST",
    `${[place, ...outcome.place].join(".")}: ${outcome.problem}`,
  );
}
