/** The value's `toJSON` method, bound; undefined if it has none. */
export function jsonMethod(value: unknown): ((key: string) => unknown) | undefined {
  if (typeof value !== "object" || value === null || !("toJSON" in value)) return undefined;
  const { toJSON } = value;
  return typeof toJSON === "function" ? (key) => toJSON.call(value, key) : undefined;
}
