import { Random } from "../chance/random.ts";

const CHARACTERS = ["a", "é", "漢", "🦉", "\u0000", '"', "\\", "\n", "\u2028", "x"];

/** Well-formed text of this many UTF-16 units. */
export function textOf(size: number, seed: number): string {
  const random = new Random(seed);
  const unit = Array.from({ length: 17 }, () => random.oneOf(CHARACTERS)).join("");
  const text = unit.repeat(Math.ceil(size / unit.length)).slice(0, size);
  return text.toWellFormed().replaceAll("\ufffd", "?");
}

export function bytesOf(size: number, seed: number): Uint8Array {
  const random = new Random(seed);
  const unit = Uint8Array.from({ length: 251 }, () => random.below(256));
  return Uint8Array.from({ length: size }, (_, i) => unit[i % unit.length] ?? 0);
}

const ODD: readonly unknown[] = [
  undefined,
  null,
  { a: [1, { b: "🦉" }] },
  new Date(0),
  "x".repeat(70_000),
  { toJSON: () => undefined },
  () => 1,
  { big: 1n },
  { constructor: 1, big: "y".repeat(1_100_000) },
];

/** How many unusual results there are. */
export const ODDITIES = ODD.length;

export const oddResult = (which: number): unknown => ODD[which];
