import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { mutations } from "../../test/mutations/mutations.ts";
import { trial } from "../../test/mutations/trial.ts";
import { PATIENCE_MS } from "../../test/stage.ts";

const sources = new URL("../../../runtime/src/", import.meta.url);

// No wait here is meant to time out: a late reply only means that the machine is busy.
const timeoutMs = PATIENCE_MS;

test.each(["R-6.3-9", "R-9.4-1"] as const)(
  "%s: a runtime that breaks it is told apart from one that does not",
  async (id) => {
    const right = await trial(undefined, { only: [id], timeoutMs });
    expect(right.verdicts).toMatchObject([{ kind: "holds" }]);
    const wrong = await trial(
      mutations.find(({ breaks }) => breaks === id),
      { only: [id], timeoutMs },
    );
    expect(wrong.verdicts).toMatchObject([{ kind: "broken", requirement: { id } }]);
  },
);

test("R-7.3-5: a runtime that omits what it only should say is blamed for nothing else", async () => {
  const silent = mutations.find(({ breaks }) => breaks === "R-7.3-5");
  const only = ["4.1-1", "7.3-5", "8.1", "8.2", "8.3", "9.3-3", "10-2"];
  const { outcomes } = await trial(silent, { only, timeoutMs });
  const broken = outcomes.flatMap((outcome) => (outcome.kind === "failed" ? outcome.broken : []));
  expect(broken).toEqual(["R-7.3-5"]);
});

test("each mutation occurs in the runtime's sources once, and no two have the same name", () => {
  const stray = mutations.filter(
    ({ file, from }) => readFileSync(new URL(file, sources), "utf8").split(from).length !== 2,
  );
  expect(stray.map(({ name }) => name)).toEqual([]);
  expect(new Set(mutations.map(({ name }) => name)).size).toBe(mutations.length);
});
