/** Which frame it is: by default a text message in one frame. */
export interface FrameKind {
  /** 0 continues a message, 1 is text, 9 a ping. */
  readonly opcode?: number;
  /** Whether the message ends with it. */
  readonly fin?: boolean;
}

/** A client's frame (RFC 6455 section 5.2), with the mask 0, which changes nothing. */
export function clientFrame(payload: string | Buffer, kind: FrameKind = {}): Buffer {
  const body = Buffer.from(payload as string);
  return Buffer.concat([clientHeader(body.length, kind), body]);
}

/** The header of such a frame, whose payload may be missing. */
export function clientHeader(length: number, { opcode = 1, fin = true }: FrameKind = {}): Buffer {
  const first = (fin ? 0x80 : 0) | opcode;
  if (length < 126) return Buffer.from([first, 0x80 | length, 0, 0, 0, 0]);
  const long = Buffer.alloc(length < 2 ** 16 ? 8 : 14);
  long[0] = first;
  long[1] = 0x80 | (length < 2 ** 16 ? 126 : 127);
  if (length < 2 ** 16) long.writeUInt16BE(length, 2);
  else long.writeUIntBE(length, 4, 6);
  return long;
}
