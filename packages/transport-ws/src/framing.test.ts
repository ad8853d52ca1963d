import type { EncodedText, Frame } from "@arcp/core";
import fc from "fast-check";
import { expect, test, vi } from "vitest";
import * as wsModule from "ws";
import { joinTextMessages } from "./framing.ts";
import { WriteMemory } from "./write-memory.ts";

type Receiver = NodeJS.WritableStream & {
  on(event: "message", heard: (data: Buffer, isBinary: boolean) => void): Receiver;
};
// ws exports it, although its types do not say so.
const { Receiver } = wsModule as unknown as { Receiver: new (options: object) => Receiver };

/** What ws reads from the bytes. It throws on what RFC 6455 forbids. */
function heard(
  writes: ReadonlyArray<string | Uint8Array>,
  cuts: readonly number[] = [],
): Promise<string[]> {
  return new Promise((resolve, reject) => {
    const messages: string[] = [];
    const receiver = new Receiver({ isServer: false, maxPayload: 0 });
    receiver.on("error", reject);
    receiver.on("message", (data, isBinary) => {
      expect(isBinary).toBe(false);
      messages.push(data.toString());
    });
    receiver.on("finish", () => resolve(messages));
    let bytes = bytesOf(writes);
    for (const cut of cuts) {
      receiver.write(bytes.subarray(0, cut));
      bytes = bytes.subarray(cut);
    }
    receiver.end(bytes);
  });
}

/** The bytes that reach the socket. */
function bytesOf(writes: ReadonlyArray<string | Uint8Array>): Buffer {
  return Buffer.concat(
    writes.map((write) => (typeof write === "string" ? Buffer.from(write, "latin1") : write)),
  );
}

function encoded(text: string): EncodedText {
  const bytes = Buffer.from(text);
  return {
    size: bytes.length,
    hold: () => ({ bytes, letGo: () => {} }),
    toString: () => text,
  };
}

const units = ["grapheme", "binary", "binary-ascii"] as const;
const frame = fc.oneof(...units.map((unit) => fc.string({ unit, maxLength: 400 })));

test("R-4.1-1: ws reads any batch of frames as it was written, one message each", async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(frame), fc.array(fc.nat(500)), async (frames, cuts) => {
      expect(await heard(joinTextMessages(frames), cuts)).toEqual(
        frames.map((text) => text.toWellFormed()),
      );
    }),
    { numRuns: 300 },
  );
});

test.each([
  0,
  1,
  125,
  126,
  127,
  255,
  256,
  16_383,
  16_384,
  65_535,
  65_536,
  65_537,
  2 ** 20,
  3 * 2 ** 20 + 7,
])(
  "R-4.1-1: a frame of %i bytes, in ASCII and beyond, keeps its length between its neighbours",
  async (size) => {
    const ascii = "a".repeat(size);
    const wide = size % 2 === 0 ? "é".repeat(size / 2) : `a${"é".repeat((size - 1) / 2)}`;
    const frames = ["before", ascii, "{}", wide, "after"];
    const received = await heard(joinTextMessages(frames));
    expect(received.map((text) => text.length)).toEqual(frames.map((text) => text.length));
    expect(received.join() === frames.join()).toBe(true);
  },
);

test.each([2, 125, 126, 127, 128, 255, 256, 32_767, 32_768, 65_535, 65_536])(
  "R-4.1-1: one character beyond ASCII in a frame of %i bytes is detected, whatever its header",
  async (size) => {
    const ascii = Array.from({ length: 3 }, () => "a".repeat(size));
    expect(await heard(joinTextMessages(ascii))).toEqual(ascii);
    for (const character of ["\u0080", "é", "ÿ"]) {
      const frames = [...ascii, character + "a".repeat(size - 2), "after"];
      expect(await heard(joinTextMessages(frames))).toEqual(frames);
    }
  },
);

test("whether text is ASCII is checked once per batch, not for every frame", () => {
  const asked = vi.spyOn(Buffer, "byteLength");
  try {
    for (const length of [100, 200, 300, 10_000]) {
      asked.mockClear();
      joinTextMessages(Array.from({ length: 16 }, () => "x".repeat(length)));
      expect(asked).toHaveBeenCalledTimes(1);
    }
  } finally {
    asked.mockRestore();
  }
});

test("a batch is one write, unless it is large; no message is split between two", async () => {
  expect(joinTextMessages(Array.from({ length: 256 }, () => "x".repeat(220)))).toHaveLength(1);
  expect(joinTextMessages([])).toEqual([]);
  const large = Array.from({ length: 10 }, (_, i) => `${i}${"é".repeat(200_000)}`);
  const writes = joinTextMessages(large);
  expect(writes.length).toBeGreaterThan(1);
  for (const write of writes) {
    expect(write.length).toBeLessThanOrEqual(2 ** 20 + 10);
    expect(await heard([write])).not.toHaveLength(0);
  }
  expect((await Promise.all(writes.map((write) => heard([write])))).flat()).toEqual(large);
});

test("a long frame is a write of its own, and those around it are joined", async () => {
  const frames = ["a", "b", "x".repeat(16_384), "c", "d", "é".repeat(20_000), "e"];
  const writes = joinTextMessages(frames);
  expect(await Promise.all(writes.map((write) => heard([write])))).toEqual([
    frames.slice(0, 2),
    frames.slice(2, 3),
    frames.slice(3, 5),
    frames.slice(5, 6),
    frames.slice(6),
  ]);
});

test("R-4.1-1: a frame in parts is one message, however short or long, and its bytes are not copied", async () => {
  const parts: Array<[string, EncodedText]> = [
    ["", encoded("")],
    ["a", encoded("")],
    ["", encoded("é")],
    ['{"n":1,', encoded("x".repeat(125 - 7))],
    ['{"n":1,', encoded("x".repeat(126 - 7))],
    ["é€", encoded("\u{1f600}".repeat(20_000))],
    ["a".repeat(65_530), encoded("b".repeat(6))],
    ["x", encoded("é".repeat(300_000))],
  ];
  const frames: Frame[] = parts.flatMap((frame) => [frame, "between"]);
  for (const memory of [undefined, new WriteMemory()]) {
    const writes = joinTextMessages(["before", ...frames, "y".repeat(20_000)], memory);
    const messages = parts.flatMap((frame) => [frame.join(""), "between"]);
    expect(await heard(writes)).toEqual(["before", ...messages, "y".repeat(20_000)]);
    // Short text goes with the next head.
    expect(writes.slice(0, 2 * parts.length).map((write) => typeof write)).toEqual(
      parts.flatMap(() => ["string", "object"]),
    );
    for (const [i, [, rest]] of parts.entries()) {
      expect(writes[2 * i + 1] === rest.hold().bytes).toBe(true);
    }
    memory?.release();
  }
});

test("every character of a write is one byte, even for a lone surrogate", async () => {
  const writes = joinTextMessages(["\ud800", "€", "\u{1f600}", "\u00ff"]);
  expect(writes.every((write) => typeof write === "string")).toBe(true);
  expect(writes.join("")).toMatch(/^[\0-\xff]*$/);
  expect(await heard(writes)).toEqual(["\ufffd", "€", "\u{1f600}", "\u00ff"]);
});
