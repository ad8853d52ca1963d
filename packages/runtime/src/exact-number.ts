/** A number given as JSON text, so that an exact amount never passes through a double on its way to the wire. */
export interface ExactNumber {
  readonly rawJSON: string;
}

/** A number that `JSON.stringify` writes exactly as `text`, a decimal such as `-0.15` (R-5.2-5). */
export function exactNumber(text: string): ExactNumber {
  return rawJSON(text);
}

/** Converts exact amounts by currency to a `budget` for the wire, which `JSON.stringify` writes with exactly these digits. */
export function exactNumbers(amounts: Iterable<[string, string]>): Record<string, ExactNumber> {
  return Object.fromEntries([...amounts].map(([currency, text]) => [currency, exactNumber(text)]));
}

// In the language and in Node 22, but missing from TypeScript's lib types.
const rawJSON: (text: string) => ExactNumber = Reflect.get(JSON, "rawJSON");

/** Whether the value was made by `JSON.rawJSON`; it serializes as a number, a string, a boolean or null. */
export const isRawJson: (value: unknown) => boolean = Reflect.get(JSON, "isRawJSON");
