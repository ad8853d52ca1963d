import * as z from "zod/mini";

/** Any JSON value. */
export type Json =
  | null
  | boolean
  | number
  | string
  | readonly Json[]
  | { readonly [key: string]: Json };

/** Levels of nesting that a received document may have (R-5.2-7). */
export const MAX_JSON_DEPTH = 128;

/**
 * An object taken as it is. Unlike a record schema it copies nothing, so that keys such as `__proto__` stay ordinary
 * data (R-5.2-6).
 */
export const JsonObject = z.custom<Record<string, unknown>>(isObject, {
  error: "must be an object",
});

/** An object whose values all pass `isValue`, taken as it is. @param error what the object must be */
export function objectOf<V>(
  isValue: (value: unknown) => value is V,
  error: string,
): z.ZodMiniCustom<Record<string, V>> {
  return z.custom<Record<string, V>>(
    (value) => isObject(value) && Object.values(value).every(isValue),
    { error },
  );
}

/** Whether a JSON value is an object, neither null nor an array. */
export function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** What a schema reads, made into something else. */
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

/** A field that is always sent, as `null` when there is nothing to say (R-5.2-1); read as `null` when it is missing. */
export function orNull<T extends z.core.SomeType>(
  schema: T,
): z.ZodMiniPipe<
  z.ZodMiniOptional<z.ZodMiniNullable<T>>,
  z.ZodMiniTransform<z.output<T> | null, z.output<T> | null | undefined>
> {
  return mapped(z.nullish(schema), (value) => value ?? null);
}

/**
 * Whether a JSON text nests deeper than `limit`. Asked before parsing, so that no recursive walk over the value can be
 * made to overflow.
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

/** Whether so many brackets open at all, within strings too. Most texts have few, and this takes a fraction of the walk. */
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

/** The closing quote of the string that opens at `start`; -1 when there is none. Large texts are mostly strings. */
function stringEnd(text: string, start: number): number {
  for (let end = start; ; ) {
    end = text.indexOf('"', end + 1);
    if (end === -1) return -1;
    let backslashes = 0;
    while (text.charCodeAt(end - 1 - backslashes) === BACKSLASH) backslashes += 1;
    // An even number escapes one another, and the quote stands by itself.
    if (backslashes % 2 === 0) return end;
  }
}

const QUOTE = 0x22;
const BACKSLASH = 0x5c;
const OPEN_BRACE = 0x7b;
const CLOSE_BRACE = 0x7d;
const OPEN_BRACKET = 0x5b;
const CLOSE_BRACKET = 0x5d;
