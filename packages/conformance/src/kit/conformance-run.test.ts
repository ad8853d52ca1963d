import assert from "node:assert/strict";
import { createRuntime, defineAgent, tokenTable } from "@arcp/runtime";
import { expect, type MockInstance, test, vi } from "vitest";
import { House } from "../../test/house.ts";
import { exchanges } from "../../test/line.ts";
import { testRuntime } from "../test-agents/index.ts";
import { runConformance } from "./conformance-run.ts";
import type { Scenario } from "./scenario.ts";
import type { Target } from "./target.ts";

const way = "memory on memory";

test("an abort stops running scenarios, and leaves no connection", async () => {
  await using house = await House.open(way);
  const cut: MockInstance[] = [];
  const target: Target = {
    tokens: house.tokens,
    async connect() {
      const line = await house.connect();
      cut.push(vi.spyOn(line, "sever"));
      return line;
    },
  };
  const stop = new AbortController();
  const waits: Scenario = {
    name: "waits for what never comes",
    verifies: ["R-4-1"],
    async play(site) {
      const wire = await site.greeted();
      stop.abort(new Error("enough"));
      await site.pause(100_000).catch(() => {});
      await wire.next();
    },
  };
  const run = runConformance(target, { scenarios: [waits], signal: stop.signal });
  await expect(run).rejects.toThrow("enough");
  // After the two of the probe.
  expect(cut.map(({ mock }) => mock.calls.length > 0)).toEqual([false, false, true]);
});

test("a broken requirement that was not asked for is in the report too", async () => {
  await using house = await House.open(way);
  const scenario: Scenario = {
    name: "fails for something else",
    verifies: ["R-6.3-1"],
    play: async () => assert.fail("R-8.3-1: a gap"),
  };
  const report = await runConformance(house, { only: ["6.3-1"], scenarios: [scenario] });
  expect(report.verdicts.map(({ kind, requirement }) => [requirement.id, kind])).toEqual([
    ["R-6.3-1", "not-run"],
    ["R-8.3-1", "broken"],
  ]);
});

test("a requirement does not hold if another scenario about it broke off for a different reason", async () => {
  await using house = await House.open(way);
  const scenario = (name: string, message?: string): Scenario => ({
    name,
    verifies: ["R-6.3-1"],
    play: async () => assert.equal(message, undefined, message),
  });
  const run = async (...scenarios: Scenario[]) => {
    const { verdicts } = await runConformance(house, { only: ["6.3-1"], scenarios });
    return verdicts.find(({ requirement }) => requirement.id === "R-6.3-1");
  };
  expect(await run(scenario("one"), scenario("two"))).toMatchObject({ kind: "holds" });
  expect(await run(scenario("one"), scenario("two", "R-8.3-1: a gap"))).toMatchObject({
    kind: "not-run",
    why: "another requirement broke first: two",
  });
});

test.each([
  [() => 7, "has to return an object"],
  [() => [], "has to return an object"],
  [() => ({ cancelGraceSec: "soon" }), 'says cancelGraceSec: "soon", it has to be a number'],
  [() => ({ cancelGraceSec: -1 }), "says cancelGraceSec: -1, it has to be a number"],
  [() => ({ cancelGrace: 1 }), "returns cancelGrace, the settings are cancelGraceSec, "],
  [
    () => ({ liveJobsPerPrincipal: 10 }),
    "need a runtime with liveJobsPerPrincipal of at least 60, conformance.settings says 10",
  ],
  [() => Promise.reject(new Error("no")), "fails: INTERNAL_ERROR: "],
])("invalid settings are refused in one line: %s", async (run: () => unknown, text) => {
  const given = testRuntime();
  const agents = given.agents.filter(({ name }) => name !== "conformance.settings");
  const settings = defineAgent({ name: "conformance.settings", run });
  const auth = tokenTable({ A: "alice", B: "bob" });
  const runtime = createRuntime({ ...given, agents: [...agents, settings], auth });
  const exchange = await exchanges.memory(runtime);
  const target: Target = { tokens: ["A", "B"], connect: () => exchange.connect() };
  const error = await runConformance(target).catch((thrown) => thrown);
  expect(error).toMatchObject({ code: "MISUSE", message: expect.stringContaining(text) });
  expect(error.message).not.toContain("\n");
  await runtime.close();
  await exchange.close();
});

test.each([
  [{ concurrency: 0 }, "runConformance: concurrency must be a whole number above zero, not 0"],
  [{ timeout: 5 }, "runConformance: timeout is not one of its options, which are only, "],
])("a run that could not play anything is refused: %o", async (options, message) => {
  const target: Target = { tokens: ["A", "B"], connect: () => expect.unreachable() };
  await expect(runConformance(target, options as object)).rejects.toThrow(message);
});
