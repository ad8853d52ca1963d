const utf8 = new TextEncoder();

/**
 * Whether a text is longer than `bytes` bytes in UTF-8. A UTF-16 code unit takes one to three bytes, so most texts need not be
 * encoded to tell.
 */
export function isLongerThan(text: string, bytes: number): boolean {
  if (text.length > bytes) return true;
  return text.length * 3 > bytes && utf8.encode(text).length > bytes;
}
