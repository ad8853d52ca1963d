import { chmod, readdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { PassThrough } from "node:stream";
import { expect, test } from "vitest";
import { scratch } from "../../test/played.ts";
import { accessOf, keepToken } from "./access.ts";

// Windows has no such permissions.
test.skipIf(process.platform === "win32")(
  "a token file that every user can read or write is reported",
  async () => {
    await using place = await scratch();
    await writeFile(join(place.path, "tokens"), "t-alice alice\n");
    await writeFile(join(place.path, "jobs.db.token"), "kept\n");
    const told = async (options: Parameters<typeof accessOf>[0], file: string, mode: number) => {
      await chmod(join(place.path, file), mode);
      const stderr = new PassThrough({ encoding: "utf8" });
      await accessOf(options, { cwd: place.path, env: {}, stderr });
      return stderr.read();
    };
    const line = "arcp: tokens is open to every user of this machine: run chmod 600 tokens\n";
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
  },
);

test("a generated token is written if it is to be kept, and stays the same from then on", async () => {
  await using place = await scratch();
  const cwd = place.path;
  const access = async (store: string) => {
    const made = await accessOf({ store }, { cwd, env: {}, stderr: new PassThrough() });
    if (made.kind !== "made-up") throw new Error(`it is of the ${made.kind}`);
    expect(await made.auth(made.token)).toBe("local");
    return made;
  };
  await writeFile(join(cwd, "empty.db.token"), "\n");
  for (const store of ["jobs.db", "empty.db"]) {
    const made = await access(store);
    expect((await access(store)).token).not.toBe(made.token);
    await keepToken(made, cwd);
    expect((await access(store)).token).toBe(made.token);
  }
  expect(await readdir(cwd)).toEqual(["empty.db.token", "jobs.db.token"]);
  for (const store of ["no/jobs.db", "jobs.db.token/jobs.db"]) {
    await expect(keepToken(await access(store), cwd)).rejects.toMatchObject({
      code: "MISUSE",
      message: expect.stringContaining(`${store}.token cannot be used: `),
    });
  }
});
