/** The bytes after which a write is full. A longer frame still goes into one write, alone. */
const MAX_WRITE = 1024 * 1024;

/** The first byte of an unfragmented text message: FIN and opcode 1. */
const TEXT = 0x81;

/** Frames of so many characters and more have a header of ten bytes. */
const LARGE = 2 ** 16;

/**
 * The unmasked text messages of a WebSocket server (RFC 6455 section 5.2), one per frame, joined into as few writes as
 * may be: one up to a mebibyte. Each character of a write stands for one byte (`latin1`), which reaches the socket faster
 * than a buffer filled piece by piece; no message is ever divided between two writes.
 */
export function joinTextMessages(frames: readonly string[]): string[] {
  const write = joinAscii(frames);
  if (write !== undefined) return write === "" ? [] : [write];
  const writes: string[] = [];
  let joined = "";
  for (const frame of frames) {
    const payload = bytesOf(frame);
    if (joined !== "" && joined.length + payload.length > MAX_WRITE) {
      writes.push(joined);
      joined = "";
    }
    joined += header(payload.length) + payload;
  }
  if (joined !== "") writes.push(joined);
  return writes;
}

/**
 * Nearly every batch is ASCII, which is its own encoding, and a look at the whole write costs a fraction of a look at each
 * frame. @returns the one write; undefined when the frames are not ASCII, or so large that it does not matter
 */
function joinAscii(frames: readonly string[]): string | undefined {
  let joined = "";
  // Bytes of headers from 0x80 on, which are no ASCII either.
  let high = 0;
  for (const frame of frames) {
    const { length } = frame;
    if (length >= LARGE || joined.length > MAX_WRITE - LARGE) return undefined;
    joined += header(length) + frame;
    high += length < 126 ? 1 : 1 + (length >>> 15) + ((length >>> 7) & 1);
  }
  // As UTF-8 a character takes more than one byte from 0x80 on, and two below 0x100.
  return Buffer.byteLength(joined) === joined.length + high ? joined : undefined;
}

/** The UTF-8 encoding, one character per byte. ASCII is its own. */
function bytesOf(frame: string): string {
  return Buffer.byteLength(frame) === frame.length ? frame : Buffer.from(frame).toString("latin1");
}

function header(length: number): string {
  if (length < 126) return String.fromCharCode(TEXT, length);
  if (length < LARGE) return String.fromCharCode(TEXT, 126, length >>> 8, length & 0xff);
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
