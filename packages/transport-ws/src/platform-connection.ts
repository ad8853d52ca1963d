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

/** How often a waiting send checks whether the platform has sent enough, in ms: there is no event for that. */
const LOOK_AGAIN = 10;

export interface PlatformConnectionOptions {
  /** The largest inbound message, in bytes. */
  readonly maxMessageSize: number;
  readonly clock: Clock;
}

/**
 * An open WebSocket of the platform as a transport. The platform cannot pause reading, so messages wait here for the reader. Nor
 * can it cut a connection: if a peer does not answer the close frame, the platform gives it up in its own time, and nobody waits
 * for that.
 */
export class PlatformConnection implements Transport {
  readonly frames = new FrameQueue();
  readonly #ws: WebSocket;
  readonly #options: PlatformConnectionOptions;
  readonly #gone = Promise.withResolvers<void>();
  #closed: { readonly reason: CloseReason | undefined } | undefined;
  /** The promise and timer shared by all sends that found the socket's buffer too full. */
  #wait: (PromiseWithResolvers<void> & { readonly timer: Timer }) | undefined;

  /** @param ws a socket that has only just opened, so that no message can have arrived yet */
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

  /** Why nothing can be sent. If the peer is just closing, its reason is known once the socket is gone. */
  async #refusal(): Promise<TransportClosedError> {
    if (this.#closed === undefined) await this.#gone.promise;
    return new TransportClosedError(this.#closed?.reason);
  }

  /** Resolves when it is time to check again. */
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

  /** Handles a message. Anything but text, or too long a text, closes the connection (R-4.1-3, R-4.1-6). */
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
