import { randomBytes } from "node:crypto";
import { once } from "node:events";
import { connect, type Socket } from "node:net";
import type { Delivery, Nuisance } from "./action.ts";
import type { Line, Listener, OpenLine } from "./line.ts";

const TEXT = 1;
const BINARY = 2;
const CLOSE = 8;
const PING = 9;
const PONG = 10;

interface Shape {
  readonly final?: boolean;
  readonly masked?: boolean;
  readonly reserved?: boolean;
}

/** Dials a server of WebSockets (RFC 6455) by hand: nothing keeps it from writing what no library would. */
export const dialBare =
  (url: string): OpenLine =>
  async (listener) => {
    const { hostname, port, pathname } = new URL(url);
    const socket = connect({ host: hostname, port: Number(port), allowHalfOpen: true });
    socket.setNoDelay(true);
    // What becomes of the socket shows by its end.
    socket.on("error", () => {});
    await once(socket, "connect");
    socket.write(
      `GET ${pathname} HTTP/1.1\r\nHost: ${hostname}:${port}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n` +
        `Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: ${randomBytes(16).toString("base64")}\r\n\r\n`,
    );
    const head = await upgraded(socket);
    return new BareWebSocket(socket, head, listener);
  };

/** @returns what came behind the answer to the upgrade */
async function upgraded(socket: Socket): Promise<Buffer> {
  let read = Buffer.alloc(0);
  for (;;) {
    const [chunk] = (await once(socket, "data")) as [Buffer];
    read = Buffer.concat([read, chunk]);
    const end = read.indexOf("\r\n\r\n");
    if (end < 0) continue;
    const status = read.subarray(0, end).toString();
    if (!status.startsWith("HTTP/1.1 101")) throw new Error(`no WebSocket: ${status}`);
    return read.subarray(end + 4);
  }
}

class BareWebSocket implements Line {
  readonly #socket: Socket;
  readonly #listener: Listener;
  #read: Buffer = Buffer.alloc(0);
  #held: Buffer[] = [];
  #code = 1006;

  constructor(socket: Socket, head: Buffer, listener: Listener) {
    this.#socket = socket;
    this.#listener = listener;
    socket.on("data", (chunk: Buffer) => this.#take(chunk));
    socket.on("end", () => socket.end());
    socket.on("close", () => listener.closed(this.#code));
    if (head.length > 0) queueMicrotask(() => this.#take(head));
  }

  send(text: string, delivery: Delivery): void {
    const bytes = Buffer.from(text);
    if (delivery === "held") {
      this.#held.push(frame(TEXT, bytes));
    } else if (delivery === "fragments") {
      // Wherever it falls, also within a character, and with a ping in between.
      const [a, b] = [Math.floor(bytes.length / 3), Math.floor(bytes.length / 2)];
      this.#write(frame(TEXT, bytes.subarray(0, a), { final: false }));
      this.#write(frame(PING, Buffer.from("between")));
      this.#write(frame(0, bytes.subarray(a, b), { final: false }));
      this.#write(frame(0, bytes.subarray(b)));
    } else if (delivery === "trickle") {
      const whole = frame(TEXT, bytes);
      this.flush();
      for (let at = 0; at < whole.length; at += 7) this.#put(whole.subarray(at, at + 7));
    } else {
      this.#write(frame(TEXT, bytes));
    }
  }

  annoy(nuisance: Nuisance): boolean {
    this.#write(nuisances[nuisance]());
    return true;
  }

  pause(): void {
    this.#socket.pause();
  }

  goOn(): void {
    this.#socket.resume();
  }

  flush(): void {
    const held = this.#held;
    this.#held = [];
    if (held.length > 0) this.#put(Buffer.concat(held));
  }

  halfClose(): void {
    this.flush();
    this.#socket.end();
  }

  close(): void {
    this.#write(frame(CLOSE, Buffer.from([1000 >> 8, 1000 & 255])));
  }

  destroy(): void {
    this.#socket.destroy();
  }

  #write(bytes: Buffer): void {
    this.#held.push(bytes);
    this.flush();
  }

  #put(bytes: Buffer): void {
    if (this.#socket.writable) this.#socket.write(bytes);
  }

  #take(chunk: Buffer): void {
    this.#read = Buffer.concat([this.#read, chunk]);
    for (;;) {
      const parsed = parse(this.#read);
      if (parsed === undefined) return;
      const { opcode, payload, size } = parsed;
      this.#read = this.#read.subarray(size);
      if (opcode === TEXT) this.#listener.text(payload.toString());
      else if (opcode === PING) this.#write(frame(PONG, payload));
      else if (opcode === CLOSE) {
        this.#code = payload.length < 2 ? 1005 : payload.readUInt16BE();
        this.#write(frame(CLOSE, payload));
        this.#socket.end();
      }
    }
  }
}

const nuisances: Readonly<Record<Nuisance, () => Buffer>> = {
  binary: () => frame(BINARY, Buffer.from("{}")),
  "too big": () => frame(TEXT, Buffer.alloc(600 * 1024, "[")),
  "not UTF-8": () => frame(TEXT, Buffer.from([0x22, 0xc3, 0x28, 0x22])),
  "socket ping": () => frame(PING, Buffer.from("still there?")),
  unmasked: () => frame(TEXT, Buffer.from("{}"), { masked: false }),
  "reserved bits": () => frame(TEXT, Buffer.from("{}"), { reserved: true }),
  torn: () => frame(TEXT, Buffer.from("{}")).subarray(0, 7),
};

function frame(
  opcode: number,
  payload: Buffer,
  { final = true, masked = true, reserved = false }: Shape = {},
): Buffer {
  const length = payload.length;
  const wide = length < 126 ? 0 : length < 65_536 ? 2 : 8;
  const head = Buffer.alloc(2 + wide);
  head[0] = (final ? 0x80 : 0) | (reserved ? 0x40 : 0) | opcode;
  head[1] = (masked ? 0x80 : 0) | (wide === 0 ? length : wide === 2 ? 126 : 127);
  if (wide === 2) head.writeUInt16BE(length, 2);
  if (wide === 8) head.writeBigUInt64BE(BigInt(length), 2);
  if (!masked) return Buffer.concat([head, payload]);
  const mask = randomBytes(4);
  const hidden = Buffer.from(payload);
  for (let i = 0; i < length; i++) hidden[i] = (hidden[i] ?? 0) ^ (mask[i & 3] ?? 0);
  return Buffer.concat([head, mask, hidden]);
}

/** A frame of the server, which is neither masked nor split; undefined while it is not complete. */
function parse(bytes: Buffer): { opcode: number; payload: Buffer; size: number } | undefined {
  if (bytes.length < 2) return undefined;
  const opcode = (bytes[0] ?? 0) & 15;
  const short = (bytes[1] ?? 0) & 127;
  const head = short < 126 ? 2 : short === 126 ? 4 : 10;
  if (bytes.length < head) return undefined;
  const length =
    short < 126 ? short : short === 126 ? bytes.readUInt16BE(2) : Number(bytes.readBigUInt64BE(2));
  const size = head + length;
  if (bytes.length < size) return undefined;
  return { opcode, payload: bytes.subarray(head, size), size };
}
