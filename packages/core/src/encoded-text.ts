/** A text that is at hand as UTF-8, so that who sends it copies bytes and need not make a string of them first. */
export interface EncodedText {
  /** In bytes. */
  readonly size: number;
  /** Writes all of it into `target`, from the byte `at` on; there has to be room for it. */
  copy(target: Uint8Array, at: number): void;
  /** The text as a string. */
  toString(): string;
}
