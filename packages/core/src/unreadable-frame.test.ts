import { expect, test } from "vitest";
import { decode, unreadableFrame } from "./index.ts";

function reason(frame: string): string | undefined {
  const decoded = decode(frame);
  return decoded.kind === "malformed" ? decoded.reason : undefined;
}

test("R-4.2-4: a frame that a transport could not keep is malformed, and the reason says why", () => {
  expect(reason(unreadableFrame.tooLong(4_194_304))).toBe(
    "the message is longer than 4194304 bytes",
  );
  expect(reason(unreadableFrame.notText)).toBe("the message is not UTF-8");
});

test("R-5.3-6: a peer that imitates such a frame cannot put words into the reason", () => {
  for (const frame of [
    "\0",
    "\0words",
    "\0 1",
    "\x001e9",
    "\x0012345678901234567",
    " \0",
    "\0\n",
  ]) {
    expect(reason(frame)).toBe("the message is not valid JSON");
  }
});
