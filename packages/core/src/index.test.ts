import { readFile } from "node:fs/promises";
import { expect, test } from "vitest";

const read = (path: string): Promise<string> => readFile(new URL(path, import.meta.url), "utf8");

test("the README lists every export exactly once", async () => {
  const exported = (await read("index.ts"))
    .replaceAll(/export (type )?\{|\} from "[^"]*";/g, ",")
    .split(",")
    .map((name) => name.replace("type ", "").trim())
    .filter((name) => name !== "");
  const [, table = ""] = (await read("../README.md")).split("## What it exports");
  const [rows = ""] = table.split("\n## ");
  const told = [...rows.matchAll(/`(\w+)`/g)].map(([, name]) => name);
  expect(told.toSorted()).toEqual(exported.toSorted());
});
