import { en } from "zod/locales";
import type * as z from "zod/mini";

const { localeError } = en();

/**
 * Options for `safeParse` that make its messages English. `zod/mini` has no messages of its own, and zod's global settings
 * belong to the application. JSON knows no undefined, so a field that has none is missing (R-5.3-6).
 */
export const english: { readonly error: z.core.$ZodErrorMap } = {
  error: (issue) => (issue.input === undefined ? "is missing" : localeError(issue)),
};
