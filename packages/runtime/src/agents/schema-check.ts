import { ArcpError, checked } from "@arcp/core";
import type { StandardSchemaV1 } from "@standard-schema/spec";

/**
 * Validates the input of a submit; the agent gets it as its schema transforms it.
 * @param place where the input is in the request, as text for people
 * @returns the input itself if there is no schema, otherwise a promise; rejects with an ArcpError `INVALID_REQUEST` if the schema
 *   refuses it
 */
export function checkedInput(
  { input: schema }: { readonly input?: StandardSchemaV1 | undefined },
  input: unknown,
  place = "payload.input",
): unknown {
  const given = input ?? null;
  return schema === undefined ? given : conformingInput(schema, given, place);
}

/**
 * Validates an input; without a schema, returns it unchanged.
 * @param place where it is, as text for people
 * @throws ArcpError `INVALID_REQUEST` if the schema refuses it
 */
export async function conformingInput(
  schema: StandardSchemaV1 | undefined,
  value: unknown,
  place: string,
): Promise<unknown> {
  if (schema === undefined) return value;
  const outcome = await checked(schema, value);
  if (outcome.ok) return outcome.value;
  throw new ArcpError("INVALID_REQUEST", problemAt(place, outcome));
}

/**
 * Validates a result; without a schema, returns it unchanged.
 * @param who who returned it, as text for people
 * @throws Error if the schema refuses it: not an ArcpError, because the problem may quote the result
 */
export async function conformingResult(
  schema: StandardSchemaV1 | undefined,
  value: unknown,
  who: string,
): Promise<unknown> {
  if (schema === undefined) return value;
  const outcome = await checked(schema, value);
  if (outcome.ok) return outcome.value;
  throw new Error(`${who} violated its output schema: ${problemAt("result", outcome)}`);
}

/** Describes where a schema found a fault, and which. */
export function problemAt(
  start: string,
  { place, problem }: { readonly place: readonly string[]; readonly problem: string },
): string {
  return `${[start, ...place].join(".")}: ${problem}`;
}
