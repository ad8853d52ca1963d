import * as z from "zod/mini";

/** Any JSON value. */
export type Json =
  | null
  | boolean
  | number
  | string
  | readonly Json[]
  | { readonly [key: string]: Json };

/** The deepest nesting allowed in a received document (R-5.2-7). */
export const MAX_JSON_DEPTH = 128;

/**
 * Any object, returned as it is. Unlike a record schema, it does not copy, so keys such as `__proto__` stay ordinary data
 * (R-5.2-6).
 */
export const JsonObject = z.custom<Record<string, unknown>>(isObject, {
  error: "must be an object",
});

/** An object whose values all pass `isValue`, returned as it is. @param error the message if it is not one */
export function objectOf<V>(
  isValue: (value: unknown) => value is V,
  error: string,
): z.ZodMiniCustom<Record<string, V>> {
  return z.custom<Record<string, V>>(
    (value) => isObject(value) && Object.values(value).every(isValue),
    { error },
  );
}

/** Whether a JSON value is an object, and neither null nor an array. */
export function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** A schema whose output is transformed by `make`. */
export function mapped<T extends z.core.SomeType, V>(
  schema: T,
  make: (value: z.output<T>) => V,
): z.ZodMiniPipe<T, z.ZodMiniTransform<V, z.output<T>>> {
  return z.pipe(schema, z.transform(make));
}

/** An optional field: `null` counts as absent (R-5.2-1). */
export function absent<T extends z.core.SomeType>(
  schema: T,
): z.ZodMiniOptional<
  z.ZodMiniPipe<
    z.ZodMiniNullable<T>,
    z.ZodMiniTransform<z.output<T> | undefined, z.output<T> | null>
  >
> {
  return z.optional(mapped(z.nullable(schema), (value) => value ?? undefined));
}

/** A field that is always sent, as `null` if it has no value (R-5.2-1). A missing one decodes as `null` too. */
export function orNull<T extends z.core.SomeType>(
  schema: T,
): z.ZodMiniPipe<
  z.ZodMiniOptional<z.ZodMiniNullable<T>>,
  z.ZodMiniTransform<z.output<T> | null, z.output<T> | null | undefined>
> {
  return mapped(z.nullish(schema), (value) => value ?? null);
}

/**
 * Whether a JSON text nests deeper than `limit`. Checked before parsing, so that no recursive walk over the value can overflow
 * the stack.
 */
export function nestsDeeperThan(text: string, limit: number): boolean {
  // Each level needs an opening and a closing character.
  if (text.length < 2 * limit || !opensMoreThan(text, limit)) return false;
  let depth = 0;
  for (let i = 0; i < text.length; i++) {
    const char = text.charCodeAt(i);
    if (char === QUOTE) {
      i = stringEnd(text, i);
      if (i === -1) return false;
    } else if (char === OPEN_BRACE || char === OPEN_BRACKET) {
      depth += 1;
      if (depth > limit) return true;
    } else if (char === CLOSE_BRACE || char === CLOSE_BRACKET) {
      depth -= 1;
    }
  }
  return false;
}

/** A quick check: whether the text has more than `limit` opening brackets at all, even in strings. Most texts have few. */
function opensMoreThan(text: string, limit: number): boolean {
  let count = 0;
  for (const bracket of ["{", "["]) {
    for (let at = text.indexOf(bracket); at !== -1; at = text.indexOf(bracket, at + 1)) {
      count += 1;
      if (count > limit) return true;
    }
  }
  return false;
}

/** The closing quote of the string that opens at `start`; -1 if none. Uses `indexOf`, since large texts are mostly strings. */
function stringEnd(text: string, start: number): number {
  for (let end = start; ; ) {
    end = text.indexOf('"', end + 1);
    if (end === -1) return -1;
    let backslashes = 0;
    while (text.charCodeAt(end - 1 - backslashes) === BACKSLASH) backslashes += 1;
    // After an even number of backslashes, which escape one another, the quote itself is not escaped.
    if (backslashes % 2 === 0) return end;
  }
}

const QUOTE = 0x22;
const BACKSLASH = 0x5c;
const OPEN_BRACE = 0x7b;
const CLOSE_BRACE = 0x7d;
const OPEN_BRACKET = 0x5b;
const CLOSE_BRACKET = 0x5d;
