import { LocalError, type OutputOf } from "@arcp/core";
import { expect, expectTypeOf, test } from "vitest";
import { z } from "zod";
import { defineAgent } from "./agent.ts";
import { AgentRegistry } from "./agent-registry.ts";
import type { AgentContext } from "./context.ts";

const agent = (name: string, version?: string) =>
  defineAgent({ name, version, run: () => version });

test("R-7.5-1: defining an agent refuses names and versions that violate the grammar", () => {
  for (const name of ["Foo", "", "-a", "a b", "a@1", "a\n", "x".repeat(129)]) {
    expect(() => agent(name), name).toThrow(LocalError);
  }
  for (const version of ["", "1 0", "1@2", "v\n", "1".repeat(65)]) {
    expect(() => agent("a", version), version).toThrow(LocalError);
  }
});

test("defining an agent refuses what plain JavaScript left out", () => {
  const define = (definition: object) => () => defineAgent(definition as never);
  const misuse = (message: RegExp) =>
    expect.objectContaining({ code: "MISUSE", message: expect.stringMatching(message) });
  expect(define({ name: "idle" })).toThrow(misuse(/the agent idle: run must be a function/));
  expect(define({ run: () => {} })).toThrow(misuse(/not an agent reference/));
  expect(define({ version: "1 0", run: () => {} })).toThrow(misuse(/not an agent reference/));
});

test("an undefined property in an agent's definition counts as left out", () => {
  const schemas = { input: undefined, output: undefined, events: undefined };
  const numbers = { attempts: undefined, stallSec: undefined };
  const others = { version: undefined, workspace: undefined, showOperations: undefined };
  const plain = defineAgent({ name: "a", ...schemas, ...numbers, ...others, run: () => 7 });
  expectTypeOf<OutputOf<typeof plain>>().toEqualTypeOf<number>();
  const registry = new AgentRegistry([plain]);
  expect(registry.inventory()).toEqual([{ name: "a", versions: [], default: undefined }]);
});

test("R-15-1: defining an agent refuses an event kind that is not a vendor name", () => {
  for (const kind of ["log", "confidence", "x-acme", "x-vendor.acme", "x-vendor.Acme.mood"]) {
    const events = { [kind]: z.object({}) };
    expect(() => defineAgent({ name: "a", events, run: () => {} }), kind).toThrow(/x-vendor/);
  }
});

test("an agent's schemas determine the types of its input, its events and its result", () => {
  const agent = defineAgent({
    name: "typed",
    input: z.object({ depth: z.string().transform(Number) }),
    output: z.object({ files: z.number().default(0) }),
    events: { "x-vendor.acme.mood": z.object({ at: z.date(), mood: z.string().default("good") }) },
    run: async (ctx, { depth }) => {
      expectTypeOf(depth).toBeNumber();
      expectTypeOf(ctx.emit).parameter(0).toEqualTypeOf<"x-vendor.acme.mood">();
      await ctx.emit("x-vendor.acme.mood", { at: new Date() });
      // @ts-expect-error a mood is a string
      await ctx.emit("x-vendor.acme.mood", { at: new Date(), mood: 1 });
      // @ts-expect-error there is no such kind
      await ctx.emit("x-vendor.acme.other", {});
      // A function written for any context takes this one as well.
      const helper = (any: AgentContext) => any.thought("helped");
      await helper(ctx);
      const child = await ctx.delegate(agent, { depth: "1" });
      expectTypeOf(await child.result()).toEqualTypeOf<{ files: number }>();
      const byName = await ctx.delegate<typeof agent>("typed", { depth: "1" });
      expectTypeOf(await byName.result()).toEqualTypeOf<{ files: number }>();
      // @ts-expect-error it takes a string
      await ctx.delegate(agent, { depth: 1 });
      expectTypeOf(await (await ctx.delegate("any", { of: "it" })).result()).toBeUnknown();
      return {};
    },
  });
  expectTypeOf(agent.name).toEqualTypeOf<"typed">();
  // A runtime hosts it, whatever its types.
  expect(new AgentRegistry([agent]).find({ name: "typed" })).toBe(agent);
  defineAgent({
    name: "wrong",
    // @ts-expect-error another result than `run` has
    output: z.object({ files: z.number() }),
    run: async () => ({ files: "many" }),
  });
});

test("the type of a delegate that may return nothing says that it may have streamed its result", () => {
  const writer = defineAgent({ name: "writer", run: (ctx) => ctx.result.write("text") });
  const sometimes = defineAgent({ name: "sometimes", run: () => [1].at(0) });
  const untold = defineAgent({ name: "untold", run: (): any => 1 });
  defineAgent({
    name: "editor",
    async run(ctx) {
      const written = await (await ctx.delegate(writer)).result();
      expectTypeOf(written).toEqualTypeOf<string | Uint8Array | null>();
      const found = await (await ctx.delegate(sometimes)).result();
      expectTypeOf(found).toEqualTypeOf<number | null>();
      expectTypeOf(await (await ctx.delegate(untold)).result()).toBeAny();
    },
  });
});
