import { en } from "zod/locales";

/**
 * Options for `safeParse` that make its messages English. `zod/mini` has no messages of its own, and zod's global settings
 * belong to the application.
 */
export const english = { error: en().localeError };
