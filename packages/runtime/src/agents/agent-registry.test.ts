import { ArcpError, LocalError } from "@arcp/core";
import { expect, test, vi } from "vitest";
import { defineAgent } from "./agent.ts";
import { AgentRegistry } from "./agent-registry.ts";

const agent = (name: string, version?: string) =>
  defineAgent({ name, version, run: () => version });

const codeOf = (outcome: unknown) => (outcome instanceof ArcpError ? outcome.code : outcome);

test("R-7.5-2: an unknown name is not available, whatever version is requested", () => {
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

test("R-7.5-5: registering an agent again replaces only the one with its name and version", () => {
  const registry = new AgentRegistry([agent("a", "1"), agent("a", "2")]);
  const again = agent("a", "1");
  registry.register(again);
  expect(registry.resolve({ name: "a", version: "1" })).toBe(again);
  expect(registry.inventory()).toEqual([{ name: "a", versions: ["1", "2"], default: undefined }]);
});

test("R-7.5-4: two different agents with the same name and version are refused", () => {
  const [first, second] = [agent("a", "1"), agent("a", "1")];
  expect(() => new AgentRegistry([first, agent("a"), second])).toThrow("there are two agents a@1");
  expect(() => new AgentRegistry([agent("b"), agent("b")])).toThrow("there are two agents b");
  expect(new AgentRegistry([first, first]).find({ name: "a", version: "1" })).toBe(first);
});

test("R-6.2-7: the inventory is sorted by name, lists versions, and hides what a principal may not use", () => {
  const registry = new AgentRegistry([agent("b"), agent("a", "2"), agent("a", "1"), agent("c")]);
  registry.setDefault("a", "1");
  expect(registry.inventory((name) => name !== "c")).toEqual([
    { name: "a", versions: ["2", "1"], default: "1" },
    { name: "b", versions: [], default: undefined },
  ]);
});

test("an agent that is removed is no longer offered, and others with its name stay", () => {
  const [first, second, bare] = [agent("a", "1"), agent("a", "2"), agent("a")];
  const registry = new AgentRegistry([first, second, bare]);
  registry.setDefault("a", "1");
  registry.remove({ name: "a", version: "1" });
  expect(registry.inventory()).toEqual([{ name: "a", versions: ["2"], default: undefined }]);
  expect(registry.resolve({ name: "a" })).toBe(bare);
  registry.remove({ name: "a" });
  expect(registry.resolve({ name: "a" })).toBe(second);
  registry.setDefault("a", "2");
  for (const unknown of [{ name: "a" }, { name: "a", version: "1" }, { name: "b" }]) {
    registry.remove(unknown);
  }
  expect(registry.inventory()).toEqual([{ name: "a", versions: ["2"], default: "2" }]);
  registry.remove({ name: "a", version: "2" });
  expect(codeOf(registry.resolve({ name: "a" }))).toBe("AGENT_NOT_AVAILABLE");
  expect(registry.inventory()).toEqual([]);
});

test("R-4.1-7: more agents than a welcome can list are refused, and removing one makes room", () => {
  const long = (n: number) => agent(`${n}`.padStart(128, "a"), "1");
  const registry = new AgentRegistry();
  const size = () => JSON.stringify(registry.inventory()).length;
  let taken = 0;
  const fill = () => {
    while (taken < 10_000) registry.register(long(taken++));
  };
  expect(fill).toThrow(
    expect.objectContaining({ code: "MISUSE", message: expect.stringMatching(/1 MiB welcome/) }),
  );
  expect(taken).toBeGreaterThan(6_000);
  const full = size();
  expect(full).toBeLessThan(1024 * 1024);
  // Registering one again adds none, and removing one that was never there makes no room.
  registry.register(long(0));
  registry.remove({ name: "unknown" });
  expect(() => registry.register(long(taken))).toThrow("1 MiB");
  registry.remove({ name: long(0).name, version: "1" });
  registry.register(long(taken));
  expect(size()).toBe(full);
});

test("R-4.1-7: more versions and defaults than a welcome can list are refused, and removing one makes room", () => {
  const registry = new AgentRegistry();
  const size = () => JSON.stringify(registry.inventory()).length;
  const version = (n: number) => `${n}`.padStart(30, "0");
  let taken = 0;
  const fill = () => {
    for (;;) {
      registry.register(agent("a", version(taken)));
      taken += 1;
    }
  };
  expect(fill).toThrow("1 MiB");
  expect(size()).toBeLessThan(1024 * 1024);
  expect(size()).toBeGreaterThan(1000 * 1000);
  expect(registry.inventory()[0]).toMatchObject({ versions: { length: taken } });
  expect(() => registry.setDefault("a", version(7))).toThrow("1 MiB");
  registry.remove({ name: "a", version: version(1) });
  registry.remove({ name: "a", version: version(2) });
  const before = size();
  for (const n of [7, 8, 7]) registry.setDefault("a", version(n));
  registry.remove({ name: "a", version: version(7) });
  registry.register(agent("a", version(7)));
  expect(size()).toBe(before);
  registry.register(agent("a", version(1)));
  for (let n = 0; n < taken; n++) registry.remove({ name: "a", version: version(n) });
  expect(registry.inventory()).toEqual([]);
  taken = 0;
  expect(fill).toThrow("1 MiB");
  expect(size()).toBeGreaterThan(1000 * 1000);
});

test("J4: registering a version looks at no other version", () => {
  const registry = new AgentRegistry();
  const texts = vi.spyOn(JSON, "stringify");
  const looks = vi.spyOn(Map.prototype, Symbol.iterator);
  for (let n = 0; n < 100; n++) registry.register(agent("a", `1.0.${n}`));
  const calls = [texts, looks].map(({ mock }) => mock.calls.length);
  vi.restoreAllMocks();
  expect(calls).toEqual([0, 0]);
  expect(registry.inventory()[0]).toMatchObject({ versions: { length: 100 } });
});
