import { expect, test } from "vitest";
import { playedOf, small } from "../../test/model/configurations.ts";
import { walk } from "../../test/model/walk.ts";

/** Steps that were played, and states in which all was compared: the same in every run. */
const sizes: Readonly<Record<string, readonly [number, number]>> = {
  drops: [759, 357],
  crash: [661, 353],
  failure: [705, 236],
  hidden: [663, 219],
  "failure of two jobs": [692, 277],
  "two jobs": [734, 395],
  endings: [485, 239],
  observer: [635, 287],
  "observer, watched": [526, 168],
  restart: [464, 185],
  "restart, watched": [430, 62],
  "a second subscription": [620, 323],
  "a second subscription, watched": [583, 183],
  eviction: [648, 367],
  "eviction, watched": [542, 218],
  "eviction of one's own": [546, 222],
  acks: [697, 293],
};

test.each(playedOf(small))(
  "P1, P2, P3, P5, R-6.3-7, R-6.3-9, R-6.3-15, R-6.3-17 and R-8.3-1: connections, sessions and projectors do what the model does: %s",
  async (name, configuration) => {
    const { found, steps, states } = await walk(configuration, { walks: 30 });
    expect(found?.what.message, found?.trace.join("\n")).toBeUndefined();
    console.log(`${name}: ${steps} steps, compared in ${states} states`);
    expect([steps, states]).toEqual(sizes[name]);
  },
);
