/** The segment `**`: zero or more whole segments. */
export const ANY_SEGMENTS = "**";

/** Ends every segment, the last one too, so that `**` can stand for none, one or many of them alike. */
export const END = "/";

/**
 * One segment of a pattern: `**`, or the literal texts between its `*`. So `a.txt` is `["a.txt"]`, `*.txt` is
 * `["", ".txt"]`, and `*` is `["", ""]`.
 */
export type Segment = typeof ANY_SEGMENTS | readonly string[];
