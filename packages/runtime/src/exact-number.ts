/** A number whose JSON text is given, so that no double comes between an exact amount and the wire. */
export interface ExactNumber {
  readonly rawJSON: string;
}

/** A number that `JSON.stringify` writes exactly as `text`, a decimal such as `-0.15` (R-5.2-5). */
export function exactNumber(text: string): ExactNumber {
  return rawJSON(text);
}

/** Exact amounts by currency, as a `budget` of the wire: `JSON.stringify` writes numbers with exactly those digits. */
export function exactNumbers(amounts: Iterable<[string, string]>): Record<string, ExactNumber> {
  return Object.fromEntries([...amounts].map(([currency, text]) => [currency, exactNumber(text)]));
}

// Part of the language and of Node 22, but not yet of the compiler's libraries.
const rawJSON: (text: string) => ExactNumber = Reflect.get(JSON, "rawJSON");

/** Whether it is what `JSON.rawJSON` makes, which is written as a number, a text, a boolean or null. */
export const isRawJson: (value: unknown) => boolean = Reflect.get(JSON, "isRawJSON");
