/** As much of a text as fits into `length` UTF-16 code units, in whole characters. */
export function beginning(text: string, length: number): string {
  const isPair = (text.codePointAt(length - 1) ?? 0) > 0xffff;
  return text.slice(0, isPair ? length - 1 : length);
}
