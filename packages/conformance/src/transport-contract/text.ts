import assert from "node:assert/strict";
import {
  type EncodedText,
  type Frame,
  frameText,
  type HeldBytes,
  type Transport,
} from "@arcp/core";
import { Reader } from "./reader.ts";
import { frame, frames, sameFrames, size } from "./sample-frame.ts";
import { bothWays, type TransportCase } from "./transport-case.ts";

const MIB = 1024 * 1024;

/** A text whose bytes are overwritten as soon as they are released. */
function encoded(text: string): EncodedText {
  const encode = (): Uint8Array => new TextEncoder().encode(text);
  const hold = (): HeldBytes => {
    const bytes = encode();
    return { bytes, letGo: () => void bytes.fill(0x3f) };
  };
  return { size: encode().length, hold, toString: () => text };
}

/** As a runtime does it. */
function sendParts(end: Transport, frames: readonly Frame[]): Promise<void> {
  return end.sendParts?.(frames) ?? end.send(frames.map(frameText));
}

/** The contents of frames: every length in UTF-8, what some take for the end of a line, what looks like a byte-order mark. */
const scripts = {
  "one byte each": "abc",
  "two bytes each": "éñß",
  "three bytes each": "€漢語",
  "outside the basic plane": "😀𝔄𠮷",
  "characters that join": "👩‍👩‍👧‍👦e\u0301",
  "line and paragraph separators": "\u2028\u2029\u0085",
  "control characters": "\0\t\r\n\u000b\u000c\u001b\u007f",
  "marks of byte order": "\ufeffa\ufeff\ufffe",
  "the sign of what cannot be decoded": "\ufffd",
  "halves of a surrogate pair": "\ud800x\udfff",
  "what ends a string": "\\\"'`{}",
};

export const textCases: readonly TransportCase[] = [
  ...bothWays("R-4-5: text of every script arrives as it was", [], async ({ here, there }) => {
    const sent = Object.values(scripts).map((text) => JSON.stringify({ [text]: text.repeat(50) }));
    const sending = here.send(sent);
    sameFrames(await new Reader(there).take(sent.length), sent);
    await sending;
  }),

  ...bothWays("no character is split, wherever it stands", [], async ({ here, there }) => {
    const reader = new Reader(there);
    for (const text of ["é", "€", "😀", "\u2028"]) {
      const sent = [0, 1, 2, 3].map((shift) => `"${"x".repeat(shift)}${text.repeat(70_000)}"`);
      const sending = here.send(sent);
      sameFrames(await reader.take(sent.length), sent);
      await sending;
    }
  }),

  ...bothWays("frames of every length around a power of two", [], async ({ here, there }) => {
    const lengths = [126, 256, 4_096, 16_384, 65_536, 131_072].flatMap((near) =>
      [-2, -1, 0, 1, 2].map((more) => near + more),
    );
    const sent = lengths.map((length, i) => frame(i, length));
    const sending = here.send(sent);
    sameFrames(await new Reader(there).take(sent.length), sent);
    await sending;
  }),

  ...bothWays("R-4.1-7: a frame of 1 MiB passes, also between small ones", [], async (stage) => {
    const reader = new Reader(stage.there);
    for (const filler of ["x", "é", "😀"]) {
      const large = frame(1, MIB, filler);
      assert.equal(size(large), MIB);
      const sent = [frame(0), large, frame(2)];
      const sending = stage.here.send(sent);
      sameFrames(await reader.take(sent.length), sent);
      await sending;
    }
  }),

  ...bothWays(
    "a frame in two parts arrives as one, of bytes that were held for so long",
    [],
    async ({ here, there }) => {
      const reader = new Reader(there);
      for (const filler of ["x", "é", "😀"]) {
        const heads = ["", '{"n":1,', `{"${filler}":1,`];
        const sent = [0, 20, 70_000, 200_000].flatMap((length) =>
          heads.flatMap((head, i): Frame[] => [
            [head, encoded(frame(i, length, filler))],
            frame(i),
          ]),
        );
        const sending = sendParts(here, sent);
        sameFrames(await reader.take(sent.length), sent.map(frameText));
        await sending;
      }
    },
  ),

  ...bothWays("R-4-5: what arrives are strings, and nothing is shared", [], async (stage) => {
    const batch = frames(3);
    const sent = [...batch];
    const sending = stage.here.send(batch);
    // A sender may reuse its array at once.
    batch[0] = "changed";
    batch.push("added");
    const arrived = await new Reader(stage.there).take(3);
    for (const one of arrived) assert.equal(typeof one, "string");
    sameFrames(arrived, sent);
    await sending;
  }),
];
