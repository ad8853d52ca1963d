import type { CloseReason } from "@arcp/core";
import { expect, test } from "vitest";
import { browserCloseCode, closeCode, closeReason } from "./close-code.ts";

const table: ReadonlyArray<[CloseReason, number]> = [
  ["normal", 1000],
  ["going-away", 1001],
  ["not-text", 1003],
  ["refused", 1008],
  ["too-big", 1009],
  ["fault", 1011],
];

test.each(table)("R-4.1-11: %s is %i, or 3000 more from a browser", (reason, code) => {
  expect(closeCode(reason)).toBe(code);
  expect(closeReason(code)).toBe(reason);
  expect(closeReason(code + 3000)).toBe(reason);
  // A browser may send 1000.
  expect(browserCloseCode(reason)).toBe(code === 1000 ? 1000 : code + 3000);
});

test("R-4.1-11: no code at all, as the TypeScript SDK closes, is normal", () => {
  expect(closeReason(1005)).toBe("normal");
});

test("a lost connection and codes without a meaning here give no reason", () => {
  expect([1002, 1006, 1010, 3000, 3008, 4100].map(closeReason)).toEqual(Array(6).fill(undefined));
});
