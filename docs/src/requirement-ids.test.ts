import { citedRequirements, isRequirementId } from "@arcp/conformance";
import { expect, test } from "vitest";
import { files, read } from "./repository.ts";

const texts = files().filter((path) => /\.(ts|mjs|md)$/.test(path));

test("every requirement that a text or a test title cites exists", () => {
  const unknown = texts.flatMap((path) => {
    const text = read(path);
    const cited = path.endsWith(".test.ts")
      ? [...citedRequirements(text)]
      : (text.match(/\bR-(?:D|\d+(?:\.\d+)?)-\d+\b/g) ?? []);
    return cited.filter((id) => !isRequirementId(id)).map((id) => `${path}: ${id}`);
  });
  expect(unknown).toEqual([]);
});
