/** How many frames that were already read may be kept, beyond as many as still wait, before the array is compacted. */
const COMPACT_AFTER = 256;

/**
 * The receiving half of a transport: frames are pushed as they arrive, and one reader takes them in order. Frames that arrived
 * before the end are still delivered after it.
 */
export class FrameQueue implements AsyncIterable<string> {
  #frames: string[] = [];
  #next = 0;
  #characters = 0;
  #ended: { error: Error | undefined } | undefined;
  #wake: (() => void) | undefined;
  readonly #taken: () => void;

  /** @param taken called whenever the reader takes a frame, or begins to wait for one, for transports that pause their source */
  constructor(taken: () => void = () => {}) {
    this.#taken = taken;
  }

  /** How many characters wait for the reader. */
  get waiting(): number {
    return this.#characters;
  }

  /** Adds a frame; does nothing after the end. */
  push(frame: string): void {
    if (this.#ended !== undefined) return;
    this.#frames.push(frame);
    this.#characters += weight(frame);
    this.#rouse();
  }

  /** Ends the stream at once: frames not read yet are lost, as is an earlier end. */
  break(error?: Error): void {
    this.#frames = [];
    this.#next = 0;
    this.#characters = 0;
    this.#ended = { error };
    this.#rouse();
  }

  /** Ends the stream after the frames so far, with an error or cleanly. Only the first call counts. */
  end(error?: Error): void {
    this.#ended ??= { error };
    this.#rouse();
  }

  /** Yields the frames, then ends or throws the error. */
  [Symbol.asyncIterator](): AsyncIterator<string, void, undefined> {
    return { next: () => this.#read() };
  }

  /** Not a generator: a suspended one would cost every idle connection several times as much memory. */
  #read(): Promise<IteratorResult<string, undefined>> {
    const frame = this.#shift();
    if (frame !== undefined) return Promise.resolve({ done: false, value: frame });
    if (this.#ended === undefined) {
      return new Promise<void>((resolve) => {
        this.#wake = resolve;
        this.#taken();
      }).then(() => this.#read());
    }
    const { error } = this.#ended;
    return error === undefined
      ? Promise.resolve({ done: true, value: undefined })
      : Promise.reject(error);
  }

  #shift(): string | undefined {
    const frame = this.#frames[this.#next];
    if (frame === undefined) return undefined;
    this.#next += 1;
    // Compact even if the queue never runs empty, or it would keep every frame of a steady sender.
    if (
      this.#next === this.#frames.length ||
      this.#next * 2 > this.#frames.length + COMPACT_AFTER
    ) {
      this.#frames = this.#frames.slice(this.#next);
      this.#next = 0;
    }
    this.#characters -= weight(frame);
    this.#taken();
    return frame;
  }

  #rouse(): void {
    const wake = this.#wake;
    this.#wake = undefined;
    wake?.();
  }
}

/** An empty frame counts as one character, or a flood of them would never pause the source. */
function weight(frame: string): number {
  return Math.max(1, frame.length);
}
