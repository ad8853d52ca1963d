/** Whether it is a date, and a valid one: who has no types may pass a text. */
export function isValidDate(date: Date): boolean {
  return Number.isFinite(date.getTime?.());
}
