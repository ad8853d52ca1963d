import { expect, test } from "vitest";
import { z } from "zod";
import { checked, checkedNow, type StandardSchemaV1 } from "./schema.ts";

const Tree = z.object({ files: z.array(z.object({ size: z.string().transform(Number) })) });

test("a check gives the value as its schema transforms it, or the place of the fault", async () => {
  const value = { files: [{ size: "7" }], more: 1 };
  expect(checkedNow(Tree, value)).toEqual({ ok: true, value: { files: [{ size: 7 }] } });
  expect(await checked(Tree, { files: [{ size: "7" }, { size: 8 }] })).toEqual({
    ok: false,
    place: ["files", "1", "size"],
    problem: expect.stringContaining("string"),
  });
  expect(await checked(Tree, null)).toMatchObject({ ok: false, place: [] });
});

test("a path segment may be an object, and the problem may be missing", async () => {
  const issues = [{ path: [{ key: "a" }, 0, "b"], message: "no" }];
  const schema = (result: StandardSchemaV1.FailureResult): StandardSchemaV1 => ({
    "~standard": { version: 1, vendor: "test", validate: () => result },
  });
  expect(await checked(schema({ issues }), 1)).toEqual({
    ok: false,
    place: ["a", "0", "b"],
    problem: "no",
  });
  expect(checkedNow(schema({ issues: [] }), 1)).toEqual({
    ok: false,
    place: [],
    problem: "is invalid",
  });
});

test("an asynchronous schema is not checked synchronously", async () => {
  const slow = z.string().refine(async (text) => text !== "bad");
  expect(checkedNow(slow, "good")).toBeUndefined();
  expect(await checked(slow, "bad")).toMatchObject({ ok: false });
  const failing: StandardSchemaV1 = {
    "~standard": { version: 1, vendor: "test", validate: () => Promise.reject(new Error("no")) },
  };
  // Nobody awaits the rejection, and it must not surface as unhandled.
  expect(checkedNow(failing, 1)).toBeUndefined();
  await expect(checked(failing, 1)).rejects.toThrow("no");
});
