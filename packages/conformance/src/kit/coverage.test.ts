import { readdirSync, readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { manifest } from "../manifest/manifest.ts";
import { beyondTheWire } from "./beyond-the-wire.ts";
import { scenarios } from "./scenarios/index.ts";

const verified = new Set(scenarios.flatMap(({ verifies }) => verifies));

test("every requirement that binds a runtime is verified by a scenario, or a reason says why no wire shows it", () => {
  const open = manifest
    .filter(({ side }) => side !== "client")
    .filter(({ id }) => !verified.has(id) && beyondTheWire[id] === undefined);
  expect(open.map(({ id }) => id)).toEqual([]);
});

test("no requirement that a scenario verifies is listed as beyond the wire", () => {
  expect(Object.keys(beyondTheWire).filter((id) => verified.has(id as never))).toEqual([]);
});

test("no two scenarios have the same name", () => {
  const names = scenarios.map(({ name }) => name);
  expect(names.filter((name, index) => names.indexOf(name) !== index)).toEqual([]);
});

test("no scenario waits forever for a runtime to close: endingOf has a timeout", () => {
  const directory = `${import.meta.dirname}/scenarios`;
  const endless = readdirSync(directory).filter((file) =>
    // A raw socket has its own.
    /await (?!(?:\w+\.)*raw\b)[\w.]+\.closed\b/.test(readFileSync(`${directory}/${file}`, "utf8")),
  );
  expect(endless).toEqual([]);
});
