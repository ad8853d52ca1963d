import { FrameQueue } from "./frame-queue.ts";
import { type CloseReason, HIGH_WATER_MARK, type Transport } from "./transport.ts";
import { TransportClosedError } from "./transport-closed-error.ts";

/** Two ends of one connection in memory. Only strings pass, so the peers share no object (R-4-5). */
export interface LinkedPair {
  readonly client: Transport;
  readonly runtime: Transport;
  /** Breaks the connection without a word, as a pulled cable would: frames on their way are lost. */
  sever(): void;
}

/**
 * Makes one connection in memory.
 * @param options.highWaterMark characters that may wait unread before `send` stays pending
 */
export function linkedPair(options: { highWaterMark?: number } = {}): LinkedPair {
  const mark = options.highWaterMark ?? HIGH_WATER_MARK;
  const client = new End(mark, () => runtime);
  const runtime: End = new End(mark, () => client);
  return {
    client,
    runtime,
    sever() {
      client.break();
      runtime.break();
    },
  };
}

class End implements Transport {
  readonly frames: FrameQueue;
  readonly #peer: () => End;
  readonly #mark: number;
  #closed: { reason: CloseReason | undefined } | undefined;
  #isClosedHere = false;
  #waiting: Array<() => void> = [];

  constructor(mark: number, peer: () => End) {
    this.#mark = mark;
    this.#peer = peer;
    this.frames = new FrameQueue(() => peer().#drained());
  }

  async send(frames: readonly string[]): Promise<void> {
    this.#assertOpen();
    const { frames: unread } = this.#peer();
    for (const frame of frames) unread.push(frame);
    while (unread.waiting > this.#mark) {
      await new Promise<void>((resolve) => this.#waiting.push(resolve));
      this.#assertOpen();
    }
  }

  close(reason: CloseReason = "normal"): void {
    if (this.#closed !== undefined) return;
    this.#isClosedHere = true;
    this.#end(reason, undefined);
    this.#peer().#end(reason, reason === "normal" ? undefined : new TransportClosedError(reason));
  }

  break(): void {
    // The peer's close is on its way as well, behind its frames.
    const error = this.#isClosedHere ? undefined : new TransportClosedError();
    if (!this.#isClosedHere) this.#closed = { reason: undefined };
    this.frames.break(error);
    this.#drained();
  }

  #end(reason: CloseReason | undefined, error: Error | undefined): void {
    if (this.#closed !== undefined) return;
    this.#closed = { reason };
    this.frames.end(error);
    this.#drained();
  }

  #assertOpen(): void {
    if (this.#closed !== undefined) throw new TransportClosedError(this.#closed.reason);
  }

  #drained(): void {
    const waiting = this.#waiting;
    if (waiting.length === 0) return;
    // Each frame that is read would wake them all, to wait again.
    if (this.#closed === undefined && this.#peer().frames.waiting > this.#mark) return;
    this.#waiting = [];
    for (const resume of waiting) resume();
  }
}
