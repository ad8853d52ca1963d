import { ArcpError, LocalError } from "@arcp/core";
import { expect, test } from "vitest";
import { AgentRegistry, defineAgent } from "./agents.ts";

const agent = (name: string, version?: string) =>
  defineAgent({ name, ...(version === undefined ? {} : { version }), run: () => version });

const codeOf = (outcome: unknown) => (outcome instanceof ArcpError ? outcome.code : outcome);

test("R-7.5-1: names and versions that the grammar refuses are refused when an agent is defined", () => {
  for (const name of ["Foo", "", "-a", "a b", "a@1", "a\n", "x".repeat(129)]) {
    expect(() => agent(name), name).toThrow(LocalError);
  }
  for (const version of ["", "1 0", "1@2", "v\n", "1".repeat(65)]) {
    expect(() => agent("a", version), version).toThrow(LocalError);
  }
});

test("R-7.5-2: an unknown name is not available, whatever version is asked for", () => {
  const registry = new AgentRegistry([agent("a", "1")]);
  expect(codeOf(registry.resolve({ name: "b" }))).toBe("AGENT_NOT_AVAILABLE");
  expect(codeOf(registry.resolve({ name: "b", version: "1" }))).toBe("AGENT_NOT_AVAILABLE");
  expect(codeOf(registry.resolve({ name: "constructor" }))).toBe("AGENT_NOT_AVAILABLE");
});

test("R-7.5-3: a version is compared as text, and an unversioned agent has none", () => {
  const versioned = agent("a", "1.0");
  const registry = new AgentRegistry([versioned, agent("bare")]);
  expect(registry.resolve({ name: "a", version: "1.0" })).toBe(versioned);
  expect(codeOf(registry.resolve({ name: "a", version: "1.0.0" }))).toBe(
    "AGENT_VERSION_NOT_AVAILABLE",
  );
  expect(codeOf(registry.resolve({ name: "bare", version: "1" }))).toBe(
    "AGENT_VERSION_NOT_AVAILABLE",
  );
});

test("R-7.5-4: a bare name means the default, else the unversioned agent, else the one registered first", () => {
  const [one, two, bare] = [agent("a", "1"), agent("a", "2"), agent("a")];
  const registry = new AgentRegistry([one, two]);
  expect(registry.resolve({ name: "a" })).toBe(one);
  registry.register(bare);
  expect(registry.resolve({ name: "a" })).toBe(bare);
  registry.setDefault("a", "2");
  expect(registry.resolve({ name: "a" })).toBe(two);
  expect(() => registry.setDefault("a", "3")).toThrow(LocalError);
  expect(() => registry.setDefault("b", "1")).toThrow(LocalError);
});

test("R-7.5-5: an agent that is registered again replaces the one of its name and version alone", () => {
  const registry = new AgentRegistry([agent("a", "1"), agent("a", "2")]);
  const again = agent("a", "1");
  registry.register(again);
  expect(registry.resolve({ name: "a", version: "1" })).toBe(again);
  expect(registry.inventory()).toEqual([{ name: "a", versions: ["1", "2"], default: undefined }]);
});

test("R-6.2-7: the inventory is sorted by name, lists versions, and hides what a principal may not use", () => {
  const registry = new AgentRegistry([agent("b"), agent("a", "2"), agent("a", "1"), agent("c")]);
  registry.setDefault("a", "1");
  expect(registry.inventory((name) => name !== "c")).toEqual([
    { name: "a", versions: ["2", "1"], default: "1" },
    { name: "b", versions: [], default: undefined },
  ]);
});
