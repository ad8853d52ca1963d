import { expect, test } from "vitest";
import { pageFaults, pageOf } from "./install-page.ts";
import type { InstallSize } from "./install-size.ts";

const size: InstallSize = {
  name: "@arcp/core",
  packed: 84_000,
  unpacked: 470_000,
  total: 5_300_000,
  brings: ["ulid", "zod"],
};
const page = pageOf([{ ...size, name: "@arcp/client" }, size]);

test("a freshly generated page is right, and stays so while figures drift a little", () => {
  expect(pageFaults(page, size)).toEqual([]);
  expect(pageFaults(page, { ...size, packed: 94_000, total: 4_800_000 })).toEqual([]);
});

test.each([
  { packed: 100_000 },
  { unpacked: 300_000 },
  { total: 7_000_000 },
  { brings: ["zod"] },
  { brings: ["ulid", "ws", "zod"] },
  { name: "@arcp/other" },
])("another %j is detected", (change) => {
  expect(pageFaults(page, { ...size, ...change })).toHaveLength(1);
});
