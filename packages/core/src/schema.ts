import type { StandardSchemaV1 } from "@standard-schema/spec";

export type { StandardSchemaV1 } from "@standard-schema/spec";

/** What became of a value that a schema looked at. */
export type Checked =
  | { readonly ok: true; readonly value: unknown }
  | {
      readonly ok: false;
      /** Where it does not fit, outermost key first; empty for the value as a whole. */
      readonly place: readonly string[];
      readonly problem: string;
    };

/** Checks a value by a schema, which may change it and take its time. */
export async function checked(schema: StandardSchemaV1, value: unknown): Promise<Checked> {
  return outcomeOf(await schema["~standard"].validate(value));
}

/** Checks a value by a schema at once. @returns undefined when this schema takes its time */
export function checkedNow(schema: StandardSchemaV1, value: unknown): Checked | undefined {
  const result = schema["~standard"].validate(value);
  if (!(result instanceof Promise)) return outcomeOf(result);
  result.catch(() => {});
  return undefined;
}

function outcomeOf(result: StandardSchemaV1.Result<unknown>): Checked {
  if (result.issues === undefined) return { ok: true, value: result.value };
  const [issue] = result.issues;
  const place = issue?.path?.map((part) => String(typeof part === "object" ? part.key : part));
  return { ok: false, place: place ?? [], problem: issue?.message ?? "is invalid" };
}
