/** As much of a text as fits into `length` UTF-16 code units, in whole characters. */
export function beginning(text: string, length: number): string {
  return text.slice(0, length).replace(/[\ud800-\udbff]$/, "");
}
