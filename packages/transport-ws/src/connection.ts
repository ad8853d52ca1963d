import type { Duplex } from "node:stream";
import {
  ArcpError,
  type Clock,
  type CloseReason,
  type Frame,
  FrameQueue,
  HIGH_WATER_MARK,
  lastWord,
  systemClock,
  type Transport,
  TransportClosedError,
} from "@arcp/core";
import { WebSocket } from "#ws";
import { ABOVE_LIMIT, closeCode, closeReason } from "./close-code.ts";
import type { ConnectionOptions } from "./connection-options.ts";
import type { FrameWriter, Written } from "./frame-writer.ts";
import type { Opening } from "./opening.ts";

/**
 * An open WebSocket as a transport, on either side. `ws` reads, validates and answers control messages; frames are sent through
 * a writer that differs by side.
 *
 * Reading pauses while more than the high-water mark waits for the reader, so a slow reader slows its peer down. Nothing is
 * written after a close frame was sent or received.
 */
export class Connection implements Transport {
  readonly frames: FrameQueue;
  /** Resolves once the socket is gone. */
  readonly gone: Promise<void>;
  readonly #ws: WebSocket;
  readonly #socket: Duplex;
  readonly #write: FrameWriter;
  readonly #clock: Clock;
  readonly #closeTimeout: number;
  #opening: Opening | undefined;
  #closed: { readonly reason: CloseReason | undefined } | undefined;
  /** The promise that all sends wait for that found the socket's buffer too full. */
  #room: PromiseWithResolvers<void> | undefined;

  /** @param opening bounds what the peer may send at first; without it, the peer is known */
  constructor(
    ws: WebSocket,
    socket: Duplex,
    write: FrameWriter,
    options: ConnectionOptions,
    opening?: Opening,
  ) {
    this.#ws = ws;
    this.#socket = socket;
    this.#write = write;
    this.#clock = options.clock ?? systemClock;
    this.#closeTimeout = options.closeTimeout ?? 2_000;
    this.frames = new FrameQueue(() => this.#taken());
    this.#opening = opening;
    // Before the other listeners: if the first message closes the connection, reading goes on, to hear the peer's answer.
    opening?.begin(this.#exceeded);
    ws.on("message", (data, isBinary) => {
      if (isBinary) this.#violated("not-text");
      else this.#received(data.toString());
    });
    ws.on("error", (error) => {
      const reason = reasonOf(error);
      const cause = reason === "too-big" ? new Error(ABOVE_LIMIT, { cause: error }) : error;
      this.#violated(reason, cause);
    });
    // The peer may have closed its half and never read what is left for it.
    socket.on("end", () => this.#cutLater());
    this.gone = new Promise((resolve) => {
      ws.on("close", (code) => {
        const reason = closeReason(code);
        this.#end(reason, reason === "normal" ? undefined : new TransportClosedError(reason));
        resolve();
      });
    });
  }

  send(frames: readonly string[]): Promise<void> {
    return this.sendParts(frames);
  }

  async sendParts(frames: readonly Frame[]): Promise<void> {
    if (!this.#isOpen) throw await this.#refusal();
    this.#write(frames, this.#written);
    while (this.#socket.writableLength > HIGH_WATER_MARK) {
      this.#room ??= Promise.withResolvers();
      await this.#room.promise;
      if (!this.#isOpen) throw await this.#refusal();
    }
  }

  close(reason: CloseReason = "normal"): void {
    if (this.#closed !== undefined) return;
    this.#end(reason, undefined);
    this.#part(closeCode(reason));
  }

  get #isOpen(): boolean {
    return this.#closed === undefined && this.#ws.readyState === WebSocket.OPEN;
  }

  /** Why nothing can be sent. If the peer is just closing, its reason is known once the socket is gone. */
  async #refusal(): Promise<TransportClosedError> {
    if (this.#closed === undefined) await this.gone;
    return new TransportClosedError(this.#closed?.reason);
  }

  readonly #written: Written = (error) => {
    // Some platforms report a failed write first, and only then the end, which says why.
    if (!error && this.#socket.writableLength <= HIGH_WATER_MARK) this.#makeRoom();
  };

  #makeRoom(): void {
    this.#room?.resolve();
    this.#room = undefined;
  }

  #received(frame: string): void {
    if (this.#closed !== undefined) return;
    this.frames.push(frame);
    if (this.frames.waiting > HIGH_WATER_MARK) this.#ws.pause();
  }

  #taken(): void {
    if (!this.#ws.isPaused) return;
    if (this.#opening?.taken() === false) return;
    this.#opening = undefined;
    if (this.frames.waiting <= HIGH_WATER_MARK / 2) this.#ws.resume();
  }

  /** Closes the connection of a stranger who sends too much, with an error that says so (R-4.1-8, R-4.1-11). */
  readonly #exceeded = (problem: string): void => {
    this.send([lastWord(new ArcpError("INVALID_REQUEST", problem))]).catch(() => {});
    this.#violated("too-big", new Error(problem));
    // Nothing more is kept. It is still read, or the peer might never get to the error.
    this.#socket.removeAllListeners("data");
    this.#socket.resume();
    this.#socket.end();
  };

  /** Closes the connection because the peer violated the rules (R-4.1-3, R-4.1-6). */
  #violated(reason: CloseReason | undefined, cause?: Error): void {
    if (this.#closed !== undefined) return;
    this.#end(reason, new TransportClosedError(reason, { cause }));
    this.#part(closeCode(reason ?? "fault"));
  }

  /** Sends the close frame after everything sent so far, and gives the peer a while to answer. */
  #part(code: number): void {
    this.#ws.close(code);
    // Its answer may come after frames that nobody wants any more, so keep reading.
    this.#ws.resume();
    this.#cutLater();
  }

  #cutLater(): void {
    const timer = this.#clock.after(this.#closeTimeout, () => this.#ws.terminate());
    this.#ws.once("close", () => timer.cancel());
  }

  #end(reason: CloseReason | undefined, error: TransportClosedError | undefined): void {
    if (this.#closed !== undefined) return;
    this.#closed = { reason };
    this.frames.end(error);
    this.#makeRoom();
  }
}

/** The reason for an error of `ws`. Other breaches of the WebSocket protocol have none; `ws` has closed with 1002. */
function reasonOf(error: Error): CloseReason | undefined {
  const code = "code" in error ? error.code : undefined;
  if (code === "WS_ERR_INVALID_UTF8") return "not-text";
  if (code === "WS_ERR_UNSUPPORTED_MESSAGE_LENGTH") return "too-big";
  if (code === "WS_ERR_UNSUPPORTED_DATA_PAYLOAD_LENGTH") return "too-big";
  return undefined;
}
