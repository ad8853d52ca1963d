import { expect, test } from "vitest";
import { Child } from "./child.ts";
import type { GeneratorCalls } from "./generator.ts";

test("a child's error reaches the caller, and the child lives on", async () => {
  await using generator = new Child<GeneratorCalls>("./generator.ts", undefined);
  await expect(generator.call("measure", null)).rejects.toThrow("measure: prepare comes first");
  const size = { warmUp: 1, measured: 1 };
  const unknown = generator.call("prepare", {
    scenario: "nothing",
    target: "runtime",
    url: "ws://127.0.0.1:1",
    size,
  });
  await expect(unknown).rejects.toThrow("there is no scenario nothing");
});

test("a child that ends fails the pending call", async () => {
  await using child = new Child<GeneratorCalls>("./statistics.ts", undefined);
  await expect(child.call("measure", null)).rejects.toThrow("the process is gone: 0");
});
