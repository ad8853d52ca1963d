import { expect, test } from "vitest";
import { Page } from "./page.ts";
import { read } from "./repository.ts";
import { table } from "./table.ts";

const PAGE = "ARCHITECTURE.md";
const invariants = table(new Page(PAGE, read(PAGE)), "").map(([id = "", , where = ""]) => ({
  id,
  files: where.split(", ").map((file) => file.replaceAll("`", "")),
}));

test("ARCHITECTURE.md states invariants", () => {
  expect(invariants.map(({ id }) => id)).toContain("O2");
});

test.each(invariants)("the files that uphold $id cite it", ({ id, files }) => {
  const cites = (file: string) =>
    new RegExp(`\\b${id}\\b`).test(read(`packages/runtime/src/${file}`));
  expect(files.filter((file) => !cites(file))).toEqual([]);
});
