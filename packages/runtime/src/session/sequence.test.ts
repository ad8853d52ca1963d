import { expect, test } from "vitest";
import { Sequence } from "./sequence.ts";

test("tasks run one after the other in the order of the calls, whatever each takes", async () => {
  const sequence = new Sequence();
  const seen: string[] = [];
  const first = Promise.withResolvers<void>();
  const done = [
    sequence.run(async () => {
      await first.promise;
      seen.push("slow");
    }),
    sequence.run(() => seen.push("quick")),
  ];
  await Promise.resolve();
  expect(seen).toEqual([]);
  first.resolve();
  await Promise.all(done);
  expect(seen).toEqual(["slow", "quick"]);
});

test("a failing task fails only its own caller", async () => {
  const sequence = new Sequence();
  const failed = sequence.run(() => {
    throw new Error("mine");
  });
  const next = sequence.run(() => "fine");
  await expect(failed).rejects.toThrow("mine");
  expect(await next).toBe("fine");
});
