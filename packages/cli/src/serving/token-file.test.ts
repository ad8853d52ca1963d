import { rename, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { PassThrough } from "node:stream";
import { expect, test } from "vitest";
import { scratch } from "../../test/played.ts";
import { TokenFile } from "./token-file.ts";

test("a token file is read again when it has changed, and keeps its last content when it is invalid", async () => {
  await using place = await scratch();
  const path = join(place.path, "tokens");
  const stderr = new PassThrough({ encoding: "utf8" });
  await writeFile(path, "old alice\nbobs bob\n");
  const { authenticate } = await TokenFile.open("tokens", { cwd: place.path, stderr });
  const all = () => Promise.all(["old", "new", "bobs"].map(authenticate));
  expect(await all()).toEqual(["alice", undefined, "bob"]);

  await writeFile(`${path}.next`, "new alice\nbobs bob\n");
  await rename(`${path}.next`, path);
  expect(await all()).toEqual([undefined, "alice", "bob"]);
  expect(stderr.read()).toBeNull();

  for (const [spoil, why] of [
    [
      () => writeFile(path, "new\n"),
      "tokens:1 has to be `TOKEN PRINCIPAL`, such as `s3cret alice`",
    ],
    [() => writeFile(path, ""), "tokens has no token: write one `TOKEN PRINCIPAL` per line"],
    [() => rm(path), "there is no file tokens"],
  ] as const) {
    await spoil();
    expect(await all()).toEqual([undefined, "alice", "bob"]);
    expect(stderr.read()).toBe(`arcp: ${why}; the previous tokens stay valid\n`);
  }

  await writeFile(path, "bobs carol\n");
  expect(await all()).toEqual([undefined, undefined, "carol"]);
});
