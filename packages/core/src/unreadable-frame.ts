/**
 * What a transport hands over in the place of a message that it did not keep, where it can go on behind it: a pipe can,
 * at the next line (R-4.2-4). No JSON begins with NUL, so it is malformed for every reader, and `decode` says why.
 */
export const unreadableFrame = {
  /** It is longer than `limit` bytes. */
  tooLong: (limit: number): string => `\0${limit}`,
  /** It is not UTF-8. */
  notText: "\0text",
} as const;

/** What was wrong with the message that a frame stands for; undefined for every other frame. */
export function defectOf(frame: string): string | undefined {
  if (frame === unreadableFrame.notText) return "the message is not UTF-8";
  const [, limit] = /^\0(\d{1,16})$/.exec(frame) ?? [];
  return limit === undefined ? undefined : `the message is longer than ${limit} bytes`;
}
