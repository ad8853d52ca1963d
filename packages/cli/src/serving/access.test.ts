import { chmod, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { PassThrough } from "node:stream";
import { expect, test } from "vitest";
import { scratch } from "../../test/played.ts";
import { accessOf } from "./access.ts";

test("a file with tokens that every user can read or write is told of", async () => {
  await using place = await scratch();
  await writeFile(join(place.path, "tokens"), "t-alice alice\n");
  await writeFile(join(place.path, "jobs.db.token"), "kept\n");
  const told = async (options: Parameters<typeof accessOf>[0], file: string, mode: number) => {
    await chmod(join(place.path, file), mode);
    const stderr = new PassThrough({ encoding: "utf8" });
    await accessOf(options, { cwd: place.path, env: {}, stderr });
    return stderr.read();
  };
  const line = "arcp: tokens is open to every user of this machine: chmod 600 tokens\n";
  for (const mode of [0o644, 0o602]) {
    expect(await told({ tokenFile: "tokens" }, "tokens", mode)).toBe(line);
  }
  for (const mode of [0o600, 0o640]) {
    expect(await told({ tokenFile: "tokens" }, "tokens", mode)).toBeNull();
  }
  const store = { store: "jobs.db" };
  expect(await told(store, "jobs.db.token", 0o644)).toBe(
    line.replaceAll("tokens", "jobs.db.token"),
  );
  expect(await told(store, "jobs.db.token", 0o600)).toBeNull();
});
