import { expect, test } from "vitest";
import { catalogue, isMessageType, type MessageType } from "./catalogue.ts";
import { features } from "./feature.ts";

const types = Object.keys(catalogue) as MessageType[];

/** Section 5.1, written out by hand to catch slips in the catalogue. */
const directions = {
  "session.hello": "client",
  "session.resume": "client",
  "session.welcome": "runtime",
  "session.error": "runtime",
  "session.ping": "both",
  "session.pong": "both",
  "session.ack": "client",
  "session.list_jobs": "client",
  "session.jobs": "runtime",
  "session.close": "client",
  "session.closed": "runtime",
  "session.bye": "both",
  "job.submit": "client",
  "job.accepted": "runtime",
  "job.event": "runtime",
  "job.result": "runtime",
  "job.error": "runtime",
  "job.cancel": "client",
  "job.cancelled": "runtime",
  "job.subscribe": "client",
  "job.subscribed": "runtime",
  "job.unsubscribe": "client",
} as const;

test("R-5.3-3: the catalogue holds exactly the protocol's messages, each with its direction", () => {
  const actual = Object.fromEntries(types.map((type) => [type, catalogue[type].direction]));
  expect(actual).toEqual(directions);
});

test("R-5.1-6: exactly the three stream envelopes carry a sequence number", () => {
  const sequenced = types.filter((type) => catalogue[type].sequenced);
  expect(sequenced.sort()).toEqual(["job.error", "job.event", "job.result"]);
});

test("R-5.1-4: every job message except job.submit names its job, and no session message does", () => {
  for (const type of types) {
    expect(catalogue[type].job, type).toBe(type.startsWith("job.") && type !== "job.submit");
  }
});

test("R-6.2-4: exactly these messages need a feature", () => {
  const needed = types
    .filter((type) => catalogue[type].feature !== undefined)
    .map((type) => [type, catalogue[type].feature]);
  expect(Object.fromEntries(needed)).toEqual({
    "session.ack": "ack",
    "session.list_jobs": "list_jobs",
    "session.jobs": "list_jobs",
    "job.subscribe": "subscribe",
    "job.subscribed": "subscribe",
    "job.unsubscribe": "subscribe",
  });
  for (const [, feature] of needed) expect(features).toContain(feature);
});

test("R-6.4-2: pings and pongs need no feature, since they are answered without one", () => {
  expect(catalogue["session.ping"].feature).toBeUndefined();
  expect(catalogue["session.pong"].feature).toBeUndefined();
});

test("R-5.2-6: names that every object inherits are not message types", () => {
  for (const name of ["__proto__", "constructor", "toString", "hasOwnProperty", ""]) {
    expect(isMessageType(name), name).toBe(false);
  }
  expect(isMessageType("job.submit")).toBe(true);
});
