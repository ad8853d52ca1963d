/**
 * The beginning of a text: as many whole characters as fit into `length` UTF-16 code units. The result is a copy, since a mere
 * slice would keep the whole text in memory.
 */
export function beginning(text: string, length: number): string {
  return ` ${text.slice(0, length)}`.slice(1).replace(/[\ud800-\udbff]$/, "");
}
