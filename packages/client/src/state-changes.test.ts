import { expect, test } from "vitest";
import { StateChanges } from "./state-changes.ts";

const END = { done: true, value: undefined };

test("a reader gets the current value, then every later one, until the end", async () => {
  const changes = new StateChanges(1);
  changes.set(2);
  const values = changes[Symbol.asyncIterator]();
  expect(await values.next()).toEqual({ done: false, value: 2 });
  const next = [values.next(), values.next()];
  changes.set(3);
  changes.set(4);
  expect(await Promise.all(next)).toEqual([
    { done: false, value: 3 },
    { done: false, value: 4 },
  ]);
  const last = values.next();
  changes.end();
  expect(await last).toEqual(END);
});

test("a reader that leaves while it waits stops waiting, and the others go on", async () => {
  const changes = new StateChanges(1);
  const [one, other] = [changes[Symbol.asyncIterator](), changes[Symbol.asyncIterator]()];
  await one.next();
  await other.next();
  const [waiting, going] = [one.next(), other.next()];
  expect(await one.return()).toEqual(END);
  expect([await waiting, await one.next()]).toEqual([END, END]);
  changes.set(2);
  expect(await going).toEqual({ done: false, value: 2 });
});
