import { decode } from "@arcp/core";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { LineReader } from "./line-reader.ts";

/** What a reader makes of these chunks: frames, and for each unreadable one the reason that the runtime is given. */
function read(chunks: readonly (string | Uint8Array)[], limit = 1000) {
  const frames: string[] = [];
  const reader = new LineReader(limit, (frame) =>
    frames.push(frame.startsWith("\0") ? why(frame) : frame),
  );
  for (const chunk of chunks) reader.take(Buffer.from(chunk as Uint8Array));
  return { frames, whole: reader.betweenLines };
}

function why(frame: string): string {
  const decoded = decode(frame);
  return decoded.kind === "malformed" ? `(${decoded.reason})` : "(readable)";
}

const tooLong = (limit: number) => `(the message is longer than ${limit} bytes)`;
const notText = "(the message is not UTF-8)";

describe("lines", () => {
  test("R-4.2-1: each line is a frame, however the bytes are cut", () => {
    const line = fc.string({ unit: "grapheme", minLength: 1 }).map((text) => JSON.stringify(text));
    fc.assert(
      fc.property(fc.array(line), fc.array(fc.nat(200)), (lines, cuts) => {
        const bytes = Buffer.from(lines.map((one) => `${one}\n`).join(""));
        const chunks: Uint8Array[] = [];
        let from = 0;
        for (const cut of cuts) {
          chunks.push(bytes.subarray(from, from + cut));
          from += cut;
        }
        chunks.push(bytes.subarray(from));
        expect(read(chunks, 100_000)).toEqual({ frames: lines, whole: true });
      }),
    );
  });

  test("R-4.2-1: a multi-byte character may arrive in several pieces", () => {
    const bytes = Buffer.from('"☃🚀"\n');
    expect(read([...bytes].map((byte) => [byte] as unknown as Uint8Array)).frames).toEqual([
      '"☃🚀"',
    ]);
  });

  test("R-4.2-3: CR LF ends a line too, even split in two, and blank lines are skipped", () => {
    expect(read(["{1}\r\n\r\n\n  \n\t\r\n{2}\r", "\n", "\n", "{3}\n"]).frames).toEqual([
      "{1}",
      "{2}",
      "{3}",
    ]);
  });

  test("R-4.2-1: a byte-order mark is skipped at the very beginning, and nowhere else", () => {
    expect(read(["\uFEFF{1}\n\uFEFF{2}\n"]).frames).toEqual(["{1}", "\uFEFF{2}"]);
    expect(read([[0xef], [0xbb], [0xbf], "{1}\n"] as unknown as string[]).frames).toEqual(["{1}"]);
  });

  test("text without a line end is no frame, and an end there is a truncation", () => {
    expect(read(["{1}\n{2"])).toEqual({ frames: ["{1}"], whole: false });
    expect(read(["{1}\n{2", "}\n"])).toEqual({ frames: ["{1}", "{2}"], whole: true });
  });
});

describe("lines that cannot be read", () => {
  test("R-4.2-4: an over-long line is reported once, wherever it is cut, and the next line is read", () => {
    const long = "x".repeat(11);
    const expected = ["{1}", tooLong(10), "{2}"];
    expect(read([`{1}\n${long}\n{2}\n`], 10).frames).toEqual(expected);
    expect(read([`{1}\n${long}`, `${long}\n{2}\n`], 10).frames).toEqual(expected);
    expect(read([`{1}\n${long}`, long, long, "\n{2}\n"], 10).frames).toEqual(expected);
    expect(read([...`{1}\n${long}${long}\n{2}\n`], 10).frames).toEqual(expected);
  });

  test("R-4.2-4: it is reported at once, not at an end that may never come", () => {
    expect(read(["x".repeat(12)], 10)).toEqual({ frames: [tooLong(10)], whole: false });
  });

  test("R-4.2-4: the limit counts bytes, without the line end", () => {
    expect(read(["☃☃☃x\n☃☃☃x\r\n☃☃☃☃\n"], 10).frames).toEqual(["☃☃☃x", "☃☃☃x", tooLong(10)]);
    expect(read(["xxxxxxxxxx", "\r", "\n{2}\n"], 10).frames).toEqual(["xxxxxxxxxx", "{2}"]);
    expect(read(["xxxxxxxxxxx", "\n{2}\n"], 10).frames).toEqual([tooLong(10), "{2}"]);
  });

  test("R-4.2-4: a line without an end needs no more memory than the limit, even byte by byte", () => {
    const limit = 1024 * 1024;
    const frames: string[] = [];
    const reader = new LineReader(limit, (frame) => frames.push(frame));
    const [byte, piece] = [Buffer.from("x"), Buffer.alloc(limit, "x")];
    const before = process.memoryUsage();
    for (let i = 0; i < limit; i++) reader.take(byte);
    const held = process.memoryUsage();
    expect(held.arrayBuffers - before.arrayBuffers).toBeLessThan(8 * limit);
    expect(frames).toEqual([]);
    for (let i = 0; i < 2000; i++) reader.take(piece);
    expect(frames).toHaveLength(1);
    reader.take(Buffer.from("\n{1}\n"));
    expect(frames).toHaveLength(2);
  });

  test("R-4.2-1: invalid UTF-8 spoils its own line alone, and is never replaced and passed on", () => {
    const bytes = Buffer.concat([
      Buffer.from('{"a":"é"}\n"'),
      Buffer.from([0xc3, 0x28]),
      Buffer.from('"\n{2}\n'),
    ]);
    expect(read([bytes]).frames).toEqual(['{"a":"é"}', notText, "{2}"]);
    expect(read([bytes.subarray(0, 12), bytes.subarray(12)]).frames).toEqual([
      '{"a":"é"}',
      notText,
      "{2}",
    ]);
    // Half a character, cut off by the end of its line.
    expect(read([[0x22, 0xe2, 0x98, 0x0a, 0x7b, 0x0a]] as unknown as Uint8Array[]).frames).toEqual([
      notText,
      "{",
    ]);
  });
});
