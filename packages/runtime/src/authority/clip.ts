/** Longest part of an error's text that someone else wrote, in characters. */
const MAX_LENGTH = 200;

/** Text of an agent or a client as an error may repeat it, which has to stay short (R-5.3-6). */
export function clip(text: string): string {
  if (text.length <= MAX_LENGTH) return text;
  // Not within a character.
  const isPair = (text.codePointAt(MAX_LENGTH - 1) ?? 0) > 0xffff;
  return `${text.slice(0, isPair ? MAX_LENGTH - 1 : MAX_LENGTH)}…`;
}
