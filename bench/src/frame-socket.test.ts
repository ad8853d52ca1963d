import { PassThrough } from "node:stream";
import { expect, test } from "vitest";
import { FrameSocket } from "./frame-socket.ts";

/** Reads these bytes in chunks of one size. */
function read(bytes: Buffer, chunk: number): string[] {
  const frames: string[] = [];
  const socket = Object.assign(new PassThrough(), { setNoDelay: () => {} });
  const take = (buffer: Buffer, start: number, end: number) =>
    void frames.push(buffer.toString("utf8", start, end));
  new FrameSocket(socket as never, take, (error) => {
    throw error;
  });
  for (let at = 0; at < bytes.length; at += chunk) {
    socket.emit("data", bytes.subarray(at, at + chunk));
  }
  return frames;
}

function frame(text: string): Buffer {
  const { length } = text;
  const header = Buffer.alloc(length < 126 ? 2 : length < 2 ** 16 ? 4 : 10);
  header[0] = 0x81;
  header[1] = length < 126 ? length : length < 2 ** 16 ? 126 : 127;
  if (header.length === 4) header.writeUInt16BE(length, 2);
  if (header.length === 10) header.writeUIntBE(length, 4, 6);
  return Buffer.concat([header, Buffer.from(text)]);
}

const texts = ["", "a", "b".repeat(125), "c".repeat(126), "d".repeat(300), "e".repeat(70_000), "f"];
const stream = Buffer.concat(texts.map(frame));

test.each([1, 2, 3, 4, 7, 64, 129, 1000, 65_536, stream.length])(
  "reads the same frames from chunks of %i bytes",
  (chunk) => {
    expect(read(stream, chunk)).toEqual(texts);
  },
);
