import {
  type Clock,
  type CloseReason,
  FrameQueue,
  HIGH_WATER_MARK,
  isLongerThan,
  type Timer,
  type Transport,
  TransportClosedError,
} from "@arcp/core";
import { ABOVE_LIMIT, browserCloseCode, closeReason } from "./close-code.ts";

/** How often a send that waits looks whether the platform has sent enough, in ms: no event tells. */
const LOOK_AGAIN = 10;

export interface PlatformConnectionOptions {
  /** The bytes that one inbound message may have. */
  readonly maxMessageSize: number;
  readonly clock: Clock;
}

/**
 * An open WebSocket of the platform as a transport. The platform cannot pause what comes in: it waits here for the
 * reader. Nor can it cut a connection: a peer that does not answer the close frame is given up by the platform, in its
 * own time, and nobody waits for that.
 */
export class PlatformConnection implements Transport {
  readonly frames = new FrameQueue();
  readonly #ws: WebSocket;
  readonly #options: PlatformConnectionOptions;
  readonly #gone = Promise.withResolvers<void>();
  #closed: { readonly reason: CloseReason | undefined } | undefined;
  /** What the sends wait for that found too much in the socket: one promise and one timer for all. */
  #wait: (PromiseWithResolvers<void> & { readonly timer: Timer }) | undefined;

  /** @param ws has just opened, so that no message has come yet */
  constructor(ws: WebSocket, options: PlatformConnectionOptions) {
    this.#ws = ws;
    this.#options = options;
    ws.addEventListener("message", ({ data }) => this.#received(data));
    ws.addEventListener("close", ({ code }) => {
      const reason = closeReason(code);
      this.#end(reason, reason === "normal" ? undefined : new TransportClosedError(reason));
      this.#gone.resolve();
    });
  }

  async send(frames: readonly string[]): Promise<void> {
    if (!this.#isOpen) throw await this.#refusal();
    for (const frame of frames) this.#ws.send(frame);
    while (this.#ws.bufferedAmount > HIGH_WATER_MARK) {
      await this.#nextLook();
      if (!this.#isOpen) throw await this.#refusal();
    }
  }

  close(reason: CloseReason = "normal"): void {
    this.#part(reason, undefined);
  }

  get #isOpen(): boolean {
    return this.#closed === undefined && this.#ws.readyState === this.#ws.OPEN;
  }

  /** Why nothing can be sent. When the peer is just closing, its reason is known once the socket is gone. */
  async #refusal(): Promise<TransportClosedError> {
    if (this.#closed === undefined) await this.#gone.promise;
    return new TransportClosedError(this.#closed?.reason);
  }

  /** Resolves when it is time to look again. */
  #nextLook(): Promise<void> {
    this.#wait ??= {
      ...Promise.withResolvers(),
      timer: this.#options.clock.after(LOOK_AGAIN, () => this.#lookAgain()),
    };
    return this.#wait.promise;
  }

  #lookAgain(): void {
    this.#wait?.timer.cancel();
    this.#wait?.resolve();
    this.#wait = undefined;
  }

  /** Anything but text, or too much of it, closes (R-4.1-3, R-4.1-6). */
  #received(data: unknown): void {
    if (this.#closed !== undefined) return;
    if (typeof data !== "string") this.#violated("not-text");
    else if (isLongerThan(data, this.#options.maxMessageSize))
      this.#violated("too-big", new Error(ABOVE_LIMIT));
    else this.frames.push(data);
  }

  #violated(reason: CloseReason, cause?: Error): void {
    this.#part(reason, new TransportClosedError(reason, { cause }));
  }

  #part(reason: CloseReason, error: TransportClosedError | undefined): void {
    if (this.#closed !== undefined) return;
    this.#end(reason, error);
    this.#ws.close(browserCloseCode(reason));
  }

  #end(reason: CloseReason | undefined, error: TransportClosedError | undefined): void {
    if (this.#closed !== undefined) return;
    this.#closed = { reason };
    this.frames.end(error);
    this.#lookAgain();
  }
}
