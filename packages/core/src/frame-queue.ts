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
  #wake: (() => void) | undefined;
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
    this.#rouse();
  }

  /** Ends the stream in front of what was not read yet, an end included: all of that is lost. */
  break(error?: Error): void {
    this.#frames = [];
    this.#next = 0;
    this.#characters = 0;
    this.#ended = { error };
    this.#rouse();
  }

  /** Ends the stream, with an error or in good order. Only the first call counts. */
  end(error?: Error): void {
    this.#ended ??= { error };
    this.#rouse();
  }

  /** What a reader gets: the frames, then the end or its error. */
  [Symbol.asyncIterator](): AsyncIterator<string, void, undefined> {
    return { next: () => this.#read() };
  }

  /** Not a generator: one that waits costs every idle connection several times as much. */
  #read(): Promise<IteratorResult<string, undefined>> {
    const frame = this.#shift();
    if (frame !== undefined) return Promise.resolve({ done: false, value: frame });
    if (this.#ended === undefined) {
      return new Promise<void>((resolve) => {
        this.#wake = resolve;
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

  #rouse(): void {
    const wake = this.#wake;
    this.#wake = undefined;
    wake?.();
  }
}

/** An empty frame counts too, or a flood of them would never pause its source. */
function weight(frame: string): number {
  return Math.max(1, frame.length);
}
