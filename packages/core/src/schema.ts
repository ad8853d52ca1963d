import type { StandardSchemaV1 } from "@standard-schema/spec";

export type { StandardSchemaV1 } from "@standard-schema/spec";

/** The outcome of validating a value. */
export type Checked =
  | { readonly ok: true; readonly value: unknown }
  | {
      readonly ok: false;
      /** The path to the part that is wrong, outermost key first; empty for the value as a whole. */
      readonly place: readonly string[];
      readonly problem: string;
    };

/** Validates a value; the schema may transform it and may be asynchronous. */
export async function checked(schema: StandardSchemaV1, value: unknown): Promise<Checked> {
  return outcomeOf(await schema["~standard"].validate(value));
}

/** Validates a value synchronously. @returns undefined if the schema is asynchronous */
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
