import { readdirSync, readFileSync } from "node:fs";
import { expect, test } from "vitest";

const sources = readdirSync(import.meta.dirname).filter((file) => !file.endsWith(".test.ts"));

test.each([
  [/\?\d/, "numbers its parameters, which Node 22.13 would take for names"],
  [/LIMIT \?/, "has a bare parameter as its limit, for which SQLite plans it anew each time"],
])("no statement matches %j: none %s", (forbidden) => {
  const having = sources.filter((file) =>
    forbidden.test(readFileSync(`${import.meta.dirname}/${file}`, "utf8")),
  );
  expect(sources).toContain("session-table.ts");
  expect(having).toEqual([]);
});
