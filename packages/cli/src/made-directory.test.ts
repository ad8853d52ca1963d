import { stat, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { expect, test } from "vitest";
import { scratch } from "../test/played.ts";
import { makeDirectory } from "./made-directory.ts";

test("a directory is made with its parents, whoever comes first", async () => {
  await using place = await scratch();
  const directory = join(place.path, "a", "b", "c");
  await Promise.all([1, 2, 3].map(() => makeDirectory(directory, 0o700)));
  await makeDirectory(directory);
  const { mode } = await stat(join(place.path, "a"));
  expect(mode & 0o777).toBe(process.platform === "win32" ? 0o666 : 0o700);
});

test("a file does not count as a directory, neither at the path nor above it", async () => {
  await using place = await scratch();
  const file = join(place.path, "file");
  await writeFile(file, "");
  await expect(makeDirectory(file)).rejects.toThrow("EEXIST");
  await expect(makeDirectory(join(file, "a", "b"))).rejects.toThrow(
    // Windows says of what is below a file that it is missing.
    process.platform === "win32" ? "EEXIST" : "ENOTDIR",
  );
});

test.runIf(process.platform === "linux")(
  "a refusal is reported even where no directory can be made",
  async () => {
    await expect(makeDirectory("/proc/nope/a/b")).rejects.toThrow("ENOENT");
  },
);
