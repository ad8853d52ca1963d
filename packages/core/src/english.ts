import { en } from "zod/locales";

/**
 * For `safeParse`: says in English what is wrong with a value. `zod/mini` has no words of its own, and zod's settings belong
 * to the application.
 */
export const english = { error: en().localeError };
