import { expect, test } from "vitest";
import { large, playedOf, small } from "../../test/model/configurations.ts";
import { walk } from "../../test/model/walk.ts";

/** Steps that were played, and states in which everything was compared: the same in every run. */
const sizes: Readonly<Record<string, readonly [number, number]>> = {
  drops: [1005, 421],
  crash: [897, 431],
  failure: [934, 278],
  hidden: [880, 236],
  "failure of two jobs": [909, 325],
  "two jobs": [983, 476],
  endings: [650, 290],
  observer: [845, 335],
  "observer, watched": [702, 174],
  restart: [598, 210],
  "restart, watched": [574, 66],
  "a second subscription": [813, 386],
  "a second subscription, watched": [768, 205],
  eviction: [852, 461],
  "eviction, watched": [707, 237],
  "eviction of one's own": [730, 239],
  acks: [929, 352],
};

test.each(playedOf(small))(
  "P1, P2, P3, P5, R-6.3-7, R-6.3-9, R-6.3-15, R-6.3-17 and R-8.3-1: connections, sessions and projectors behave as the model: %s",
  async (name, configuration) => {
    const { found, steps, states } = await walk(configuration, { walks: 40 });
    expect(found?.what.message, found?.trace.join("\n")).toBeUndefined();
    console.log(`${name}: ${steps} steps, compared in ${states} states`);
    expect([steps, states]).toEqual(sizes[name]);
  },
);

// A batch that opens no run and is sent at once; then a subscription is answered whose job has something to read.
test("R-7.6-3: what a reply between two batches brings belongs to the second one", async () => {
  const configuration = large["a second subscription and a drop"];
  const { found, steps } = await walk(configuration, { walks: 8, seed: 577 });
  expect(found?.what.message, found?.trace.join("\n")).toBeUndefined();
  expect(steps).toBeGreaterThan(129);
});
