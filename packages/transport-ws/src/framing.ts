import type { Frame } from "@arcp/core";
import type { WriteMemory } from "./write-memory.ts";

/** The size at which a write is full, in bytes. */
const MAX_WRITE = 1024 * 1024;
/**
 * A frame of at least so many characters is a separate write, as a buffer: joining it would copy it into a string so large that
 * its memory would be newly requested from the system each time.
 */
const LONG = 16 * 1024;

/** The first byte of an unfragmented text message: FIN and opcode 1. */
const TEXT = 0x81;

/** The size of the longest header, in bytes. */
const MAX_HEADER = 10;

/**
 * The unmasked text messages of a WebSocket server (RFC 6455 section 5.2), one per frame, joined into as few writes as possible:
 * a single one up to a mebibyte, except for long frames. Each character of a string stands for one byte (`latin1`), which reaches
 * the socket faster than a buffer filled piece by piece. Text that is encoded already is written as separate bytes, directly
 * after a write that ends with its head, so nothing may come between the writes.
 * @param memory holds the bytes of the writes, to be released once they are done
 */
export function joinTextMessages(
  frames: readonly Frame[],
  memory?: WriteMemory,
): Array<string | Uint8Array> {
  const write = joinAscii(frames);
  if (write !== undefined) return write === "" ? [] : [write];
  const writes: Array<string | Uint8Array> = [];
  let joined = "";
  const complete = (): void => {
    if (joined !== "") writes.push(joined);
    joined = "";
  };
  for (const frame of frames) {
    if (typeof frame !== "string") {
      const [head, rest] = frame;
      const payload = bytesOf(head);
      if (joined.length + payload.length > MAX_WRITE) complete();
      joined += header(payload.length + rest.size) + payload;
      complete();
      writes.push(memory?.hold(rest) ?? rest.hold().bytes);
      continue;
    }
    if (frame.length >= LONG) {
      complete();
      writes.push(longMessage(frame, memory));
      continue;
    }
    const payload = bytesOf(frame);
    if (joined.length + payload.length > MAX_WRITE) complete();
    joined += header(payload.length) + payload;
  }
  complete();
  return writes;
}

function longMessage(frame: string, memory: WriteMemory | undefined): Buffer {
  // Measuring the text first would take longer than writing it.
  const room = memory?.room(MAX_HEADER + 3 * frame.length);
  const message = room ?? Buffer.allocUnsafe(MAX_HEADER + Buffer.byteLength(frame));
  const end = MAX_HEADER + message.write(frame, MAX_HEADER, "utf8");
  const first = header(end - MAX_HEADER);
  const start = MAX_HEADER - first.length;
  message.write(first, start, "latin1");
  if (room !== undefined) memory?.use(end);
  return message.subarray(start, end);
}

/**
 * The fast path: nearly every batch is ASCII, which needs no encoding, and checking the whole write costs a fraction of checking
 * each frame. @returns the only write; undefined if the frames are not ASCII, or too large for one write
 */
function joinAscii(frames: readonly Frame[]): string | undefined {
  let joined = "";
  // The number of header bytes from 0x80 on, which are not ASCII either.
  let high = 0;
  for (const frame of frames) {
    const { length } = frame;
    if (typeof frame !== "string" || length >= LONG || joined.length > MAX_WRITE - LONG)
      return undefined;
    joined += header(length) + frame;
    high += length < 126 ? 1 : 1 + ((length >>> 7) & 1);
  }
  // In UTF-8, every character from 0x80 on takes more than one byte, and those below 0x100 take two.
  return Buffer.byteLength(joined) === joined.length + high ? joined : undefined;
}

/** The UTF-8 encoding, one character per byte. ASCII is its own. */
function bytesOf(frame: string): string {
  return Buffer.byteLength(frame) === frame.length ? frame : Buffer.from(frame).toString("latin1");
}

function header(length: number): string {
  if (length < 126) return String.fromCharCode(TEXT, length);
  if (length < 2 ** 16) return String.fromCharCode(TEXT, 126, length >>> 8, length & 0xff);
  return String.fromCharCode(TEXT, 127) + uint32(Math.floor(length / 2 ** 32)) + uint32(length);
}

function uint32(value: number): string {
  return String.fromCharCode(
    (value >>> 24) & 0xff,
    (value >>> 16) & 0xff,
    (value >>> 8) & 0xff,
    value & 0xff,
  );
}
