import type { StandardSchemaV1 } from "@standard-schema/spec";

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
  const outcome = await schema["~standard"].validate(value);
  if (outcome.issues === undefined) return { ok: true, value: outcome.value };
  const [issue] = outcome.issues;
  const place = issue?.path?.map((part) => String(typeof part === "object" ? part.key : part));
  return { ok: false, place: place ?? [], problem: issue?.message ?? "is invalid" };
}
