import type * as Paths from "node:path";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { checkWorkspace } from "../authority/path.ts";
import { readLimits } from "../limits.ts";
import { readLease } from "./lease-request.ts";

vi.mock("node:path", async (original) => ({ ...(await original<typeof Paths>()), sep: "\\" }));

beforeEach(() => void vi.spyOn(process, "cwd").mockReturnValue("C:\\Users\\alice"));
afterEach(() => vi.restoreAllMocks());

test("on Windows the current directory is a workspace, of a runtime and of an agent", () => {
  const workspace = process.cwd();
  const context = { limits: readLimits({}, false), workspace };
  checkWorkspace(workspace);
  const lease = readLease(context, { workspace: undefined }, { "fs.read": ["*.txt"] }, "lease");
  expect(lease.covers("fs.read", "/Users/alice/notes.txt")).toBe(true);
  expect(lease.covers("fs.read", "notes.txt")).toBe(true);
  const own = readLease(context, { workspace: "C:\\work" }, { "fs.read": ["*.txt"] }, "lease");
  expect(own.covers("fs.read", "/work/notes.txt")).toBe(true);
});

test("on Windows another drive is refused as a workspace", () => {
  expect(() => checkWorkspace("D:\\work")).toThrow("on the current drive");
});
