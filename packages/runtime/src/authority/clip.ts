/** Longest part of an error's text that someone else wrote, in characters. */
const MAX_LENGTH = 200;

/** Text of an agent or a client as an error may repeat it, which has to stay short (R-5.3-6). */
export function clip(text: string): string {
  return text.length > MAX_LENGTH ? `${text.slice(0, MAX_LENGTH)}…` : text;
}
