import { ArcpError, checked } from "@arcp/core";
import type { StandardSchemaV1 } from "@standard-schema/spec";
import type { AnyAgent } from "./agents.ts";

/**
 * What an agent gets of a submitted input: as its schema makes it.
 * @param place of the input in the request, for humans
 * @returns at once where there is no schema, else a promise; rejects with an ArcpError `INVALID_REQUEST` when the schema
 * refuses it
 */
export function checkedInput(agent: AnyAgent, input: unknown, place = "payload.input"): unknown {
  return agent.input === undefined ? (input ?? null) : conforming(agent.input, input, place);
}

async function conforming(
  schema: StandardSchemaV1,
  input: unknown,
  place: string,
): Promise<unknown> {
  const outcome = await checked(schema, input ?? null);
  if (outcome.ok) return outcome.value;
  throw new ArcpError(
    "INVALID_REQUEST",
    `${[place, ...outcome.place].join(".")}: ${outcome.problem}`,
  );
}
