import { expect, test } from "vitest";
import { pipePath } from "./local-socket.ts";

test("on Windows a submission is answered for on a named pipe, elsewhere on a socket in its directory", () => {
  const directory = "/state/arcp/submissions/sub_01";
  expect(pipePath(directory, "ABCD", "win32")).toBe("\\\\.\\pipe\\arcp-sub_01-ABCD");
  expect(pipePath(directory, "ABCD", "linux")).toBeUndefined();
  expect(pipePath(directory, "ABCD", "darwin")).toBeUndefined();
});
