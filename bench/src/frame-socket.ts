import { randomBytes } from "node:crypto";
import { connect, type Socket } from "node:net";

/** Takes one text message: the bytes from `start` to before `end`, valid during the call only. */
export type TakeFrame = (bytes: Buffer, start: number, end: number) => void;

const TEXT = 1;
const CLOSE = 8;
/** The bytes of the longest header of an unmasked frame. */
const MAX_HEADER = 10;
/** The least bytes for a frame across chunks. */
const MIN_PARTIAL = 1024;
/**
 * What all sockets read into: a buffer for each chunk would cost more than everything that is done with it. As large as what one of
 * Node's sockets reads at once: reading four times as much doubles what a large write costs its server.
 */
const CHUNK = Buffer.alloc(64 * 1024);
/** A mask of zeros is valid and leaves the text as it is. */
const MASK = Buffer.alloc(4);

/**
 * The bare minimum of a WebSocket client: a generator that used a real one would be as busy as the server that it measures. It
 * reads unfragmented messages, of which it copies only what lies across chunks, and knows no control message but close.
 */
export class FrameSocket {
  readonly #socket: Socket;
  readonly #take: TakeFrame;
  readonly #lost: (error: Error) => void;
  /** The incomplete frame is at its beginning; grows to the largest such frame. */
  #partial: Buffer = Buffer.alloc(0);
  /** How many bytes of that frame are there. */
  #held = 0;

  constructor(socket: Socket, take: TakeFrame, lost: (error: Error) => void) {
    this.#socket = socket;
    this.#take = take;
    this.#lost = lost;
    socket.setNoDelay();
    socket.on("error", lost);
    socket.on("close", () => lost(new Error("the connection was closed")));
  }

  /** @param lost called when the connection ends or `take` throws */
  static async connect(
    url: string,
    take: TakeFrame,
    lost: (error: Error) => void,
  ): Promise<FrameSocket> {
    const { host, hostname, port, pathname } = new URL(url);
    const head = Promise.withResolvers<void>();
    let answer = "";
    let frames: FrameSocket | undefined;
    const callback = (length: number): boolean => {
      if (frames !== undefined) {
        frames.read(CHUNK.subarray(0, length));
      } else {
        // Nothing follows it before we have sent something.
        answer += CHUNK.toString("latin1", 0, length);
        if (answer.endsWith("\r\n\r\n")) head.resolve();
      }
      return true;
    };
    const socket = connect({
      host: hostname,
      port: Number(port),
      onread: { buffer: CHUNK, callback },
    });
    socket.once("error", head.reject);
    socket.once("close", () => head.reject(new Error("the connection was closed")));
    const key = randomBytes(16).toString("base64");
    const fields = `Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: ${key}`;
    socket.write(`GET ${pathname} HTTP/1.1\r\nHost: ${host}\r\n${fields}\r\n\r\n`);
    await head.promise;
    if (!answer.startsWith("HTTP/1.1 101 ")) throw new Error(`no upgrade: ${answer}`);
    frames = new FrameSocket(socket, take, lost);
    return frames;
  }

  /** Sends one text message of ASCII. */
  send(text: string): void {
    const { length } = text;
    const header =
      length < 126
        ? [0x80 | TEXT, 0x80 | length]
        : [0x80 | TEXT, 0x80 | 126, length >>> 8, length & 0xff];
    this.#socket.write(Buffer.concat([Buffer.from(header), MASK, Buffer.from(text)]));
  }

  /** Stops reading: what the server sends stays with it. */
  stall(): void {
    this.#socket.pause();
  }

  /** Ends the connection abruptly. What it still brings is not taken, and `lost` is not called. */
  cut(): void {
    this.#socket.removeAllListeners("close").destroy();
  }

  /** @param chunk of which nothing is kept */
  read(chunk: Buffer): void {
    let at = 0;
    if (this.#held > 0) {
      const held = this.#held;
      // Only inspected: its header may end in this chunk.
      const seen = held + chunk.copy(this.#partial, held, 0, MAX_HEADER);
      const end = frameEnd(this.#partial.subarray(0, seen), 0);
      at = Math.min((end ?? seen) - held, chunk.length);
      this.#hold(chunk, 0, at);
      if (this.#held !== end) return;
      this.#held = 0;
      this.#dispatch(this.#partial, 0, end);
    }
    for (;;) {
      const end = frameEnd(chunk, at);
      if (end === undefined || end > chunk.length) break;
      this.#dispatch(chunk, at, end);
      at = end;
    }
    this.#hold(chunk, at, chunk.length);
  }

  /** Each byte is copied once, however many chunks its frame takes. */
  #hold(chunk: Buffer, from: number, to: number): void {
    const needed = this.#held + to - from;
    if (needed > this.#partial.length) {
      const larger = Buffer.alloc(Math.max(2 * needed, MIN_PARTIAL));
      this.#partial.copy(larger, 0, 0, this.#held);
      this.#partial = larger;
    }
    this.#held += chunk.copy(this.#partial, this.#held, from, to);
  }

  /** Takes one whole frame. */
  #dispatch(bytes: Buffer, at: number, end: number): void {
    const opcode = (bytes[at] ?? 0) & 0x0f;
    try {
      if (opcode === TEXT) this.#take(bytes, at + headerLength(bytes, at), end);
      if (opcode === CLOSE) this.#lost(new Error("the server closed the connection"));
    } catch (error) {
      this.#lost(error instanceof Error ? error : new Error(String(error)));
    }
  }
}

/** @returns where the frame at `at` ends; undefined when its header is not there yet */
function frameEnd(bytes: Buffer, at: number): number | undefined {
  const start = at + headerLength(bytes, at);
  if (start > bytes.length) return undefined;
  const size = (bytes[at + 1] ?? 0) & 0x7f;
  if (size < 126) return start + size;
  return start + (size === 126 ? bytes.readUInt16BE(at + 2) : bytes.readUIntBE(at + 4, 6));
}

/** At least 2: that much of a header is needed to know its length. */
function headerLength(bytes: Buffer, at: number): number {
  const size = (bytes[at + 1] ?? 0) & 0x7f;
  return size < 126 ? 2 : size === 126 ? 4 : MAX_HEADER;
}
