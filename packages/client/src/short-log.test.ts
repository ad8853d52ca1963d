import { expect, test } from "vitest";
import { shortLog } from "../test/short-log.ts";

test("P3: a reader of a job whose log is short is told of everything that it misses", async () => {
  expect(await shortLog()).toBeGreaterThan(0);
});
