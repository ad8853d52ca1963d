/** What `JSON.stringify` asks a value to make of itself; undefined where it is written as it is. */
export function jsonMethod(value: unknown): ((key: string) => unknown) | undefined {
  if (typeof value !== "object" || value === null || !("toJSON" in value)) return undefined;
  const { toJSON } = value;
  return typeof toJSON === "function" ? (key) => toJSON.call(value, key) : undefined;
}
