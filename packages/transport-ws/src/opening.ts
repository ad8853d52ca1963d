import type { Duplex } from "node:stream";
import type { WebSocket } from "#ws";

/** What `ws` takes for each piece that it reads, beyond its bytes, measured: what comes byte by byte takes hundreds of times its size. */
const PER_READ = 400;

/**
 * The time until the first message of a server's connection has been handled, which is when its reader wants the next one. Until
 * then nobody knows whose connection it is, so it may hold only a little: what comes up to the end of that message is counted, and
 * nothing behind it is read. Afterwards this costs nothing.
 */
export class Opening {
  /** Resolves once it is over: the first message has been handled, or the connection is gone. */
  readonly over: Promise<void>;
  readonly #ws: WebSocket;
  readonly #socket: Duplex;
  readonly #limit: number;
  readonly #end: () => void;
  #received = 0;
  #isTaken = false;
  #exceeded: (problem: string) => void = () => {};

  /** @param limit the most bytes, where each piece that is read counts as 400 more */
  constructor(ws: WebSocket, socket: Duplex, limit: number) {
    this.#ws = ws;
    this.#socket = socket;
    this.#limit = limit;
    const { promise, resolve } = Promise.withResolvers<void>();
    this.over = promise;
    this.#end = resolve;
  }

  /** @param exceeded called if too much comes, even after a close */
  begin(exceeded: (problem: string) => void): void {
    this.#exceeded = exceeded;
    this.#ws.once("message", () => this.#ws.pause());
    this.#ws.once("close", this.#end);
    // Comes after the listener of `ws`, which has read the message by then if it is complete.
    this.#socket.on("data", this.#count);
  }

  /**
   * Called while reading is paused, whenever the reader takes a frame or begins to wait for one.
   * @returns whether it is over, and reading may go on
   */
  taken(): boolean {
    if (this.#isTaken) {
      this.#socket.off("data", this.#count);
      this.#ws.off("close", this.#end);
      this.#end();
      return true;
    }
    this.#isTaken = true;
    return false;
  }

  readonly #count = (piece: Uint8Array): void => {
    this.#received += piece.length + PER_READ;
    // While reading is paused, nothing more comes; what came in one piece with the end of the first message is allowed.
    if (this.#received <= this.#limit || this.#ws.isPaused) return;
    const right = `may have at most ${this.#limit} bytes, ${PER_READ} less for each packet`;
    this.#exceeded(`an opening message ${right} (maxOpeningSize)`);
  };
}
