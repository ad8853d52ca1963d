import { expect, test } from "vitest";
import { shortLog } from "../test/short-log.ts";

test("P3: whoever reads a job whose log is short is told of everything that is missed", async () => {
  expect(await shortLog()).toBeGreaterThan(0);
});
