/** The most characters of foreign text in an error. */
const MAX_LENGTH = 200;

/** Shortens a text of an agent or a client for use in an error, which must stay short (R-5.3-6). */
export function clip(text: string): string {
  if (text.length <= MAX_LENGTH) return text;
  // Do not cut a surrogate pair.
  const isPair = (text.codePointAt(MAX_LENGTH - 1) ?? 0) > 0xffff;
  return `${text.slice(0, isPair ? MAX_LENGTH - 1 : MAX_LENGTH)}…`;
}
