/** The bytes after which a write is full. A longer frame still goes into one write, alone. */
const MAX_WRITE = 1024 * 1024;

/** The first byte of an unfragmented text message: FIN and opcode 1. */
const TEXT = 0x81;

/**
 * The unmasked text messages of a WebSocket server (RFC 6455 section 5.2), one per frame, joined into as few writes as
 * may be: one up to a mebibyte. Each character of a write stands for one byte (`latin1`), which reaches the socket faster
 * than a buffer filled piece by piece; no message is ever divided between two writes.
 */
export function joinTextMessages(frames: readonly string[]): string[] {
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
