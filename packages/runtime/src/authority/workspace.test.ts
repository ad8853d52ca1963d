import { LocalError } from "@arcp/core";
import { expect, test } from "vitest";
import { canonicalPath } from "./path.ts";
import { workspacePath } from "./workspace.ts";

const windows = (cwd: string) => ({ sep: "\\", cwd: () => cwd });
const posix = { sep: "/", cwd: () => "/" };

test.each([
  ["C:\\work", "/work"],
  ["c:\\work\\", "/work"],
  ["C:/work/a b", "/work/a b"],
  ["\\work", "/work"],
  ["/work", "/work"],
  ["C:\\a\\..\\work", "/work"],
  ["C:\\", "/"],
])("on Windows %j is %s", (directory, expected) => {
  const path = workspacePath(directory, windows("C:\\Users\\alice"));
  expect(canonicalPath(path)).toEqual({ ok: true, path: expected });
});

test("a share is a drive, too", () => {
  const system = windows("\\\\server\\share\\work");
  expect(workspacePath("\\\\server\\share\\work", system)).toBe("/work");
});

test.each(["D:\\work", "C:work", "work", ".\\work", "\\\\server\\share\\work", "\\\\?\\C:\\work"])(
  "on Windows %j is refused: its files are elsewhere",
  (directory) => {
    expect(() => workspacePath(directory, windows("C:\\Users"))).toThrow(LocalError);
    expect(() => workspacePath(directory, windows("C:\\Users"))).toThrow("on the current drive");
  },
);

test.each(["/work", "/a\\b", "C:\\work", "work"])("elsewhere %j stays as it is", (directory) => {
  expect(workspacePath(directory, posix)).toBe(directory);
});
