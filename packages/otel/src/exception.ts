/** Something that was thrown, as a span can record it. Anything can be thrown, and not all of it makes a text. */
export function exceptionOf(thrown: unknown): Error | string {
  if (thrown instanceof Error) return thrown;
  try {
    return String(thrown);
  } catch {
    return "what was thrown makes no text";
  }
}
