import {
  beyondTheWire,
  citedRequirements,
  manifest,
  scenarios,
  untestable,
} from "@arcp/conformance";
import { expect, test } from "vitest";
import { files, read } from "./repository.ts";

const tested = new Set<string>(scenarios.flatMap(({ verifies }) => verifies));
for (const path of files().filter((path) => path.endsWith(".test.ts"))) {
  for (const id of citedRequirements(read(path))) tested.add(id);
}

test("every requirement is verified by a scenario or a named test, or a reason says why it cannot be", () => {
  const open = manifest.filter(({ id }) => !tested.has(id) && untestable[id] === undefined);
  expect(open.map(({ id }) => id)).toEqual([]);
});

test("no tested requirement is listed as untestable", () => {
  expect(Object.keys(untestable).filter((id) => tested.has(id))).toEqual([]);
});

test("a test of this repository covers each requirement that is beyond the wire", () => {
  const open = Object.keys(beyondTheWire).filter((id) => !tested.has(id) && !(id in untestable));
  expect(open).toEqual([]);
});
