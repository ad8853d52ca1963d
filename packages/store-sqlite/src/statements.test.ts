import { readdirSync, readFileSync } from "node:fs";
import { expect, test } from "vitest";

test("no statement numbers its parameters, which Node 22.13 would take for names", () => {
  const sources = readdirSync(import.meta.dirname).filter((file) => !file.endsWith(".test.ts"));
  const numbering = sources.filter((file) =>
    /\?\d/.test(readFileSync(`${import.meta.dirname}/${file}`, "utf8")),
  );
  expect(sources).toContain("session-table.ts");
  expect(numbering).toEqual([]);
});
