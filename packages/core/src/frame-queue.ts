/** Read frames that may be kept before they are let go of. */
const COMPACT_AFTER = 256;

/**
 * The receiving half of a transport: frames go in as they arrive and come out in order to one reader. What arrived
 * before the end is still delivered after it.
 */
export class FrameQueue implements AsyncIterable<string> {
  #frames: string[] = [];
  #next = 0;
  #characters = 0;
  #ended: { error: Error | undefined } | undefined;
  /** Waits for the next frame, or the end. */
  #reader: PromiseWithResolvers<IteratorResult<string, undefined>> | undefined;
  readonly #taken: () => void;

  /** @param taken called after a frame was handed to the reader, for transports that pause their source */
  constructor(taken: () => void = () => {}) {
    this.#taken = taken;
  }

  /** The characters that wait for the reader. */
  get waiting(): number {
    return this.#characters;
  }

  /** Adds a frame; does nothing after the end. */
  push(frame: string): void {
    if (this.#ended !== undefined) return;
    this.#frames.push(frame);
    this.#characters += weight(frame);
    this.#answer();
  }

  /** Forgets what was not read yet. */
  discard(): void {
    this.#frames = [];
    this.#next = 0;
    this.#characters = 0;
  }

  /** Ends the stream, with an error or in good order. Only the first call counts. */
  end(error?: Error): void {
    this.#ended ??= { error };
    this.#answer();
  }

  /** What a reader gets: the frames, then the end or its error. */
  [Symbol.asyncIterator](): AsyncIterator<string, void, undefined> {
    return { next: () => this.#read() };
  }

  /** Not a generator: one that waits costs every idle connection several times as much. */
  #read(): Promise<IteratorResult<string, undefined>> {
    this.#reader = Promise.withResolvers();
    const { promise } = this.#reader;
    this.#answer();
    return promise;
  }

  /** Gives the reader that waits, if one does, what there is. */
  #answer(): void {
    const reader = this.#reader;
    if (reader === undefined) return;
    const frame = this.#shift();
    if (frame === undefined && this.#ended === undefined) return;
    this.#reader = undefined;
    if (frame !== undefined) reader.resolve({ done: false, value: frame });
    else if (this.#ended?.error === undefined) reader.resolve({ done: true, value: undefined });
    else reader.reject(this.#ended.error);
  }

  #shift(): string | undefined {
    const frame = this.#frames[this.#next];
    if (frame === undefined) return undefined;
    this.#next += 1;
    // Also while it never runs empty, or a steady sender would make it keep every frame that it ever sent.
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
}

/** An empty frame counts too, or a flood of them would never pause its source. */
function weight(frame: string): number {
  return Math.max(1, frame.length);
}
