/** The encodings of a chunk: text, or bytes. */
export type Encoding = "utf8" | "base64";

/** Bytes of a piece, which is one chunk. */
export const PIECE = 64 * 1024;
/** Pieces of a mebibyte. */
export const PIECES_PER_MEGABYTE = 2 ** 20 / PIECE;

/** A mebibyte of prose: ASCII, with line ends and a few quotes. */
export function textPieces(): readonly string[] {
  const random = pseudoRandom();
  return Array.from({ length: PIECES_PER_MEGABYTE }, () => {
    const lines: string[] = [];
    for (let length = 0; length < PIECE; length += lines.at(-1)?.length ?? 0) {
      const words = Array.from({ length: 16 }, () => WORDS[random() % WORDS.length]);
      lines.push(`${words.join(" ")}${random() % 4 === 0 ? ', "as it were".' : "."}\n`);
    }
    // Decoded from bytes it is one string; a slice would hold on to another.
    return Buffer.from(lines.join("")).toString("latin1", 0, PIECE);
  });
}

/** A mebibyte that looks like noise. */
export function bytePieces(): readonly Uint8Array[] {
  const random = pseudoRandom();
  return Array.from({ length: PIECES_PER_MEGABYTE }, () =>
    Uint8Array.from({ length: PIECE }, () => random() & 0xff),
  );
}

const WORDS =
  "the a report of findings on every page was written by one who had read them and found that most were right".split(
    " ",
  );

/** The same numbers each time, from 0 to below 2 ** 24. */
function pseudoRandom(): () => number {
  let state = 1;
  return () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return state >>> 8;
  };
}
