import { readdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { expect, test } from "vitest";
import { scratch } from "../../test/played.ts";
import { claim, latestHolder } from "./holder.ts";

test("a late claim to the place of a holder that left finds its successor, and gives up", async () => {
  await using home = await scratch();
  await writeFile(join(home.path, "holder.5"), "socket of the living");
  expect(await claim(home.path, 5, "late")).toBe(false);
  expect(await claim(home.path, 4, "later")).toBe(false);
  expect(await readdir(home.path)).toEqual(["holder.5"]);
  expect(await latestHolder(home.path)).toEqual({ number: 5, socket: "socket of the living" });
});

test("the next holder takes the place of all before it, in numeric order", async () => {
  await using home = await scratch();
  await writeFile(join(home.path, "holder.9"), "nine");
  await writeFile(join(home.path, "holder.10"), "ten");
  expect(await latestHolder(home.path)).toEqual({ number: 10, socket: "ten" });
  expect(await claim(home.path, 11, "eleven")).toBe(true);
  expect(await readdir(home.path)).toEqual(["holder.11"]);
});
