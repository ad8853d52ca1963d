/** The segment `**`: zero or more whole segments. */
export const ANY_SEGMENTS = "**";

/** Ends every segment, including the last one, so that `**` can match zero, one or many segments in the same way. */
export const END = "/";

/**
 * One segment of a pattern: `**`, or the literal texts between its `*`. So `a.txt` is `["a.txt"]`, `*.txt` is `["", ".txt"]`, and
 * `*` is `["", ""]`.
 */
export type Segment = typeof ANY_SEGMENTS | readonly string[];

/** Whether a segment has no wildcard. */
export function isLiteral(segment: Segment): segment is readonly string[] {
  return segment !== ANY_SEGMENTS && segment.length === 1;
}
