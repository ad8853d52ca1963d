import assert from "node:assert/strict";

/**
 * A frame with a number and a size: JSON on one line, as every envelope is (R-4.2-1).
 *
 * @param bytes its size in UTF-8, if that is enough for the number
 */
export function frame(number: number, bytes = 0, filler = "x"): string {
  const bare = JSON.stringify({ number, text: "" });
  const room = Math.max(0, bytes - bare.length);
  const fill = filler.repeat(Math.floor(room / size(filler)));
  return JSON.stringify({ number, text: fill + "x".repeat(room - size(fill)) });
}

export function frames(count: number, from = 0, bytes = 0): string[] {
  return Array.from({ length: count }, (_, index) => frame(from + index, bytes));
}

/** In UTF-8. */
export function size(text: string): number {
  return new TextEncoder().encode(text).length;
}

/** Fails unless both are the same frames, without printing megabytes. */
export function sameFrames(actual: readonly string[], expected: readonly string[]): void {
  const unlike = expected.findIndex((text, index) => actual[index] !== text);
  if (unlike !== -1) {
    const got = actual[unlike];
    assert.fail(
      `frame ${unlike + 1} of ${expected.length} should be ${shown(expected[unlike])} and is ${shown(got)}`,
    );
  }
  assert.equal(actual.length, expected.length, "there are more frames than were sent");
}

function shown(text: string | undefined): string {
  if (text === undefined) return "missing";
  const start = JSON.stringify(text.slice(0, 60));
  return typeof text === "string" ? `${start} (${text.length} characters)` : typeof text;
}
