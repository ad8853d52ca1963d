import { appendFile, type FileHandle, mkdtemp, open, rm, truncate } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { readContent } from "./file-content.ts";

let folder: string;
let next = 0;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "arcp-"));
});
afterAll(() => rm(folder, { recursive: true }));

/** Reads a file with these contents, to which something happens once its size is known. */
async function reading(
  contents: string,
  meanwhile: (path: string) => unknown,
  signal = new AbortController().signal,
): Promise<string> {
  next += 1;
  const path = join(folder, `${next}`);
  await appendFile(path, contents);
  await using handle: FileHandle = await open(path);
  const stat = handle.stat.bind(handle);
  Object.assign(handle, {
    stat: async () => {
      const status = await stat();
      await meanwhile(path);
      return status;
    },
  });
  return (await readContent(handle, path, { most: 5_000_000, signal })).toString();
}

test("a file that grows during the read is read as it was when opened", async () => {
  const before = "x".repeat(1_500_000);
  expect(await reading(before, (path) => appendFile(path, "y".repeat(5_000_000)))).toBe(before);
});

test("a file that shrinks during the read ends where it ends", async () => {
  expect(await reading("x".repeat(1_500_000), (path) => truncate(path, 700_000))).toBe(
    "x".repeat(700_000),
  );
});

test("an empty file that is written to meanwhile is read as far as it goes, up to the limit", async () => {
  expect(await reading("", () => {})).toBe("");
  expect(await reading("", (path) => appendFile(path, "y".repeat(5_000_000)))).toHaveLength(
    5_000_000,
  );
  await expect(
    reading("", (path) => appendFile(path, "y".repeat(5_000_001))),
  ).rejects.toMatchObject({ code: "INVALID_REQUEST" });
});

test("the signal ends a read, with its reason", async () => {
  const stop = new AbortController();
  const reason = new Error("the job has ended");
  const abort = () => stop.abort(reason);
  await expect(reading("x".repeat(1_500_000), abort, stop.signal)).rejects.toBe(reason);
});
