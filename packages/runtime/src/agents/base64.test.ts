import { readFileSync } from "node:fs";
import fc from "fast-check";
import { expect, test } from "vitest";
import wabt from "wabt";
import { blocks } from "../store/blocks.ts";
import { LONG } from "../store/long-record.ts";
import { encodeLong, MAX_ENCODED } from "./base64.ts";
import { BASE64_MODULE } from "./base64-module.ts";

/** The fewest bytes that make a long record. */
const LEAST = (LONG / 4 - 1) * 3 + 1;

function quoted(bytes: Uint8Array, before = "b", behind = "e"): string | undefined {
  return encodeLong(bytes)?.within(before, behind).toString();
}

function asBefore(bytes: Uint8Array, before = "b", behind = "e"): string {
  const text = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString("base64");
  return `${before}"${text}"${behind}`;
}

test("any bytes are encoded as by Buffer, wherever they lie and whatever was encoded before", () => {
  const size = fc.integer({ min: LEAST, max: MAX_ENCODED });
  // Long enough to be one, generated from few numbers: a seed for each is enough.
  const bytes = fc.tuple(size, fc.nat(64), fc.uint8Array({ minLength: 1, maxLength: 999 }));
  fc.assert(
    fc.property(bytes, ([size, offset, seed]) => {
      const all = Buffer.alloc(offset + size, seed);
      const part = new Uint8Array(all.buffer, all.byteOffset + offset, size);
      expect(quoted(part) === asBefore(part)).toBe(true);
    }),
    { numRuns: 300 },
  );
});

test("each six-bit number becomes its character, at each place", () => {
  const bytes = Buffer.alloc(MAX_ENCODED);
  for (let number = 0; number < 4096 * 4; number++) {
    const [first, second] = [number & 0xfff, ~number & 0xfff];
    bytes.writeUIntBE((first << 12) | second, 3 * number, 3);
  }
  expect(quoted(bytes) === asBefore(bytes)).toBe(true);
  for (const byte of [0, 1, 0x7f, 0x80, 0xfb, 0xff]) {
    const all = Buffer.alloc(MAX_ENCODED, byte);
    expect(quoted(all) === asBefore(all)).toBe(true);
  }
});

test("bytes of any length are encoded exactly to their end; those too short for a long record, or too long, are not taken", () => {
  // What a longer one left behind must not show.
  encodeLong(Buffer.alloc(MAX_ENCODED, 0xff));
  for (const around of [LEAST, 30_000, MAX_ENCODED - 49]) {
    for (let size = around; size <= around + 49; size++) {
      const bytes = Buffer.alloc(size, "any bytes");
      expect(quoted(bytes) === asBefore(bytes)).toBe(true);
    }
  }
  for (const size of [0, 1, 2, 3, 11, 12, 13, 16, 47, 48, 49, LEAST - 1, MAX_ENCODED + 1]) {
    expect(encodeLong(Buffer.alloc(size))).toBeUndefined();
  }
});

test("a text is enclosed in what surrounds it, however long that is", () => {
  const bytes = Buffer.alloc(40_000, "bytes");
  for (const length of [0, 1, 500, 1023, 1024, 1025, 5000]) {
    const [before, behind] = ["b".repeat(length), "e".repeat(length)];
    expect(quoted(bytes, before, behind) === asBefore(bytes, before, behind)).toBe(true);
    expect(quoted(bytes, before, "") === asBefore(bytes, before, "")).toBe(true);
    expect(quoted(bytes, "", behind) === asBefore(bytes, "", behind)).toBe(true);
  }
});

test("shared memory is read as it is at the call, and later changes do not show", () => {
  const shared = new Uint8Array(new SharedArrayBuffer(50_000), 7, 40_000).fill(3);
  const before = asBefore(shared);
  const text = encodeLong(shared);
  const other = encodeLong(Buffer.alloc(40_000, 9));
  shared.fill(4);
  expect(text?.within("b", "e").toString() === before).toBe(true);
  expect(other).toBeDefined();
});

test("its long text is sent and kept from its actual start, and returns its block", () => {
  const bytes = Buffer.alloc(40_000, "bytes");
  const kept = encodeLong(bytes)?.within("before", "behind").keep();
  const copy = kept?.keep();
  const expected = asBefore(bytes, "before", "behind");
  for (const text of [kept, copy]) {
    expect([text?.size, text?.length]).toEqual([expected.length, expected.length]);
    const held = text?.hold();
    expect(String(held?.bytes) === expected).toBe(true);
    held?.letGo();
  }
  const before = blocks.spare;
  kept?.release();
  expect(blocks.spare).toBeGreaterThan(before);
  expect(String(copy) === expected).toBe(true);
});

test("the module is its source compiled", async () => {
  const file = new URL("base64.wat", import.meta.url);
  const { parseWat } = await wabt();
  const text = readFileSync(file, "utf8");
  const { buffer } = parseWat("base64.wat", text, { relaxed_simd: true }).toBinary({});
  expect(BASE64_MODULE).toBe(Buffer.from(buffer).toString("base64"));
});
