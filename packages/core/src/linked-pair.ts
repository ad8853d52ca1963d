import { FrameQueue } from "./frame-queue.ts";
import { type CloseReason, HIGH_WATER_MARK, type Transport } from "./transport.ts";
import { TransportClosedError } from "./transport-closed-error.ts";

/** The two ends of an in-memory connection. Only strings pass, so the peers share no object (R-4-5). */
export interface LinkedPair {
  readonly client: Transport;
  readonly runtime: Transport;
  /** Breaks the connection without notice, as a pulled cable would: frames in flight are lost. */
  sever(): void;
}

/**
 * Makes an in-memory connection.
 * @param options.highWaterMark how many characters may wait unread before `send` stays pending
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
    // After a close on this side, the reader sees a clean end; otherwise the break is an error.
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
    // Wake nobody above the mark: they would only go back to waiting, at every frame that is read.
    if (this.#closed === undefined && this.#peer().frames.waiting > this.#mark) return;
    this.#waiting = [];
    for (const resume of waiting) resume();
  }
}
