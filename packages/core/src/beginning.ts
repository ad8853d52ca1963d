/**
 * As much of a text as fits into `length` UTF-16 code units, in whole characters. A text of its own: what was only cut out of
 * another one would keep all of that in memory for as long as itself.
 */
export function beginning(text: string, length: number): string {
  return ` ${text.slice(0, length)}`.slice(1).replace(/[\ud800-\udbff]$/, "");
}
