import { ArcpError, checked } from "@arcp/core";
import type { StandardSchemaV1 } from "@standard-schema/spec";

/**
 * What an agent gets of a submitted input: as its schema makes it.
 * @param place of the input in the request, for humans
 * @returns at once where there is no schema, else a promise; rejects with an ArcpError `INVALID_REQUEST` when the schema
 * refuses it
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
 * A value as the schema of whoever gets it makes it; where there is none, as it is.
 * @param place where it stands, for humans
 * @throws ArcpError `INVALID_REQUEST` when the schema refuses it
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
 * A result as the schema of whoever returned it makes it; where there is none, as it is.
 * @param who that is, for humans
 * @throws Error when it is not what the schema wants: no ArcpError, for the problem may quote the result
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

/** Where a schema found a fault, and which. */
export function problemAt(
  start: string,
  { place, problem }: { readonly place: readonly string[]; readonly problem: string },
): string {
  return `${[start, ...place].join(".")}: ${problem}`;
}
