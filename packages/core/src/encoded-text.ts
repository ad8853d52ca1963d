/** A text already encoded as UTF-8, so that the sender need not build a string first. */
export interface EncodedText {
  /** The size in bytes. */
  readonly size: number;
  /** Borrows the bytes for writing. They do not change until they are let go. */
  hold(): HeldBytes;
  /** The text as a string. */
  toString(): string;
}

/** The bytes of a text, borrowed by a reader. */
export interface HeldBytes {
  /** Must not be modified. */
  readonly bytes: Uint8Array;
  /**
   * Gives the bytes back so that their memory can be reused, for example once a write is done. A second call does nothing.
   * Bytes that are never given back are left to the garbage collector.
   */
  letGo(): void;
}
