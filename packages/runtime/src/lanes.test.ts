import { expect, test } from "vitest";
import { inLanes } from "./lanes.ts";

test("so many items are worked on at a time, and the results are in their order", async () => {
  const works: PromiseWithResolvers<string>[] = [];
  const work = (item: number) => {
    works[item] = Promise.withResolvers();
    return works[item].promise;
  };
  const all = inLanes(2, [0, 1, 2], work);
  expect(works).toHaveLength(2);
  works[1]?.resolve("b");
  await expect.poll(() => works).toHaveLength(3);
  works[2]?.resolve("c");
  works[0]?.resolve("a");
  expect(await all).toEqual(["a", "b", "c"]);
  expect(await inLanes(2, [], work)).toEqual([]);
});

test("once one fails, no further one is begun", async () => {
  const begun: number[] = [];
  const rest = Promise.withResolvers<void>();
  const all = inLanes(2, [0, 1, 2, 3], (item) => {
    begun.push(item);
    return item === 0 ? Promise.reject(new Error("no")) : rest.promise;
  });
  await expect(all).rejects.toThrow("no");
  rest.resolve();
  await rest.promise;
  await Promise.resolve();
  expect(begun).toEqual([0, 1]);
});
