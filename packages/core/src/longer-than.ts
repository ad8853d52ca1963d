const utf8 = new TextEncoder();

/** Whether a text has more than so many bytes in UTF-8, where a character of JavaScript has one to three: few are counted. */
export function isLongerThan(text: string, bytes: number): boolean {
  if (text.length > bytes) return true;
  return text.length * 3 > bytes && utf8.encode(text).length > bytes;
}
