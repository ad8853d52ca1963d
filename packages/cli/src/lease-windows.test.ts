import type * as Paths from "node:path";
import { expect, test, vi } from "vitest";
import { grants, leaseOf } from "./lease.ts";

vi.mock("node:path", async (original) => ({ ...(await original<typeof Paths>()), sep: "\\" }));

test.each([
  ["src/**", "C:\\work\\a b", "/work/a b/src/**"],
  ["./*.md", "C:\\", "/*.md"],
  ["../x", "\\\\server\\share\\work", "/x"],
  ["/srv/**", "C:\\work", "/srv/**"],
])("on Windows the pattern %s, given in %s, is %s", (pattern, cwd, expected) => {
  expect(leaseOf(grants(`fs.read=${pattern}`), [], cwd)).toEqual({ "fs.read": [expected] });
});
