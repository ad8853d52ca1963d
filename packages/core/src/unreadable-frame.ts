/**
 * Placeholders for a message that a transport had to discard but can continue after: a pipe can, at the next line (R-4.2-4). No
 * JSON begins with NUL, so every reader finds a placeholder malformed, and `decode` says why.
 */
export const unreadableFrame = {
  /** For a message longer than `limit` bytes. */
  tooLong: (limit: number): string => `\0${limit}`,
  /** For a message that is not UTF-8. */
  notText: "\0text",
} as const;

/** What was wrong with the message that a placeholder stands for; undefined for every other frame. */
export function defectOf(frame: string): string | undefined {
  if (frame === unreadableFrame.notText) return "the message is not UTF-8";
  const [, limit] = /^\0(\d{1,16})$/.exec(frame) ?? [];
  return limit === undefined ? undefined : `the message is longer than ${limit} bytes`;
}
