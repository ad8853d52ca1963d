import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { mutations } from "../../test/mutations/mutations.ts";
import { trial } from "../../test/mutations/trial.ts";

const sources = new URL("../../../runtime/src/", import.meta.url);

test.each(["R-6.3-9", "R-9.4-1"] as const)(
  "%s: a runtime that breaks it is told from one that does not",
  async (id) => {
    const options = { only: [id], timeoutMs: 5000 };
    const right = await trial(undefined, options);
    expect(right.verdicts).toMatchObject([{ kind: "holds" }]);
    const wrong = await trial(
      mutations.find(({ breaks }) => breaks === id),
      options,
    );
    expect(wrong.verdicts).toMatchObject([{ kind: "broken", requirement: { id } }]);
  },
);

test("each mutation stands in the runtime's sources once, and none has the name of another", () => {
  const stray = mutations.filter(
    ({ file, from }) => readFileSync(new URL(file, sources), "utf8").split(from).length !== 2,
  );
  expect(stray.map(({ name }) => name)).toEqual([]);
  expect(new Set(mutations.map(({ name }) => name)).size).toBe(mutations.length);
});
