/** A text that is at hand as UTF-8, so that who sends it need not make a string of it first. */
export interface EncodedText {
  /** In bytes. */
  readonly size: number;
  /** Its bytes, for who writes them: they stay what they are until they are let go. */
  hold(): HeldBytes;
  /** The text as a string. */
  toString(): string;
}

/** The bytes of a text, which somebody reads. */
export interface HeldBytes {
  /** Not to be changed. */
  readonly bytes: Uint8Array;
  /**
   * Says that they are read no more, so that their memory can be used again: once a write is done, say. The second call changes
   * nothing. Without any, their memory is left to the garbage collector.
   */
  letGo(): void;
}
