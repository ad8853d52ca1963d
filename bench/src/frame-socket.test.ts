import { PassThrough } from "node:stream";
import { expect, test } from "vitest";
import { FrameSocket } from "./frame-socket.ts";

/** Reads these bytes in chunks of one size. */
function read(bytes: Buffer, chunk: number): string[] {
  const frames: string[] = [];
  const socket = Object.assign(new PassThrough(), { setNoDelay: () => {} });
  const take = (buffer: Buffer, start: number, end: number) =>
    void frames.push(buffer.toString("utf8", start, end));
  const reader = new FrameSocket(socket as never, take, (error) => {
    throw error;
  });
  for (let at = 0; at < bytes.length; at += chunk) {
    // A buffer of its own, which is overwritten afterwards: none of it may be kept.
    const own = Buffer.from(bytes.subarray(at, at + chunk));
    reader.read(own);
    own.fill(0xff);
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

/** No two pieces of it are the same, so that none can stand in for another. */
function text(length: number): string {
  const numbers = Array.from({ length: length / 8 + 1 }, (_, i) => String(i).padStart(8, "."));
  return numbers.join("").slice(0, length);
}

const lengths = [0, 1, 125, 126, 300, 65_535, 65_536, 70_000, 1, 200_000, 130_000, 0, 5];
const texts = lengths.map(text);
const stream = Buffer.concat(texts.map(frame));

test.each([1, 2, 3, 4, 7, 9, 10, 11, 64, 129, 1000, 65_535, 65_536, 65_537, stream.length])(
  "reads the same frames from chunks of %i bytes",
  (chunk) => {
    expect(read(stream, chunk)).toEqual(texts);
  },
);

test("reads large frames wherever the stream is cut in two", () => {
  const large = [text(70_000), text(3), text(66_000)];
  const bytes = Buffer.concat(large.map(frame));
  const second = frame(text(70_000)).length;
  const cuts = [0, second, second + 5].flatMap((at) =>
    Array.from({ length: 14 }, (_, i) => at + i - 2).filter((cut) => cut > 0),
  );
  for (const cut of cuts) {
    expect(read(bytes.subarray(0, cut), cut).length).toBeLessThan(3);
    expect(read(bytes, cut)).toEqual(large);
  }
});
