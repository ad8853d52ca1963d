import { type JobId, ManualClock } from "@arcp/core";
import { pino } from "pino";
import { expect, test } from "vitest";
import { FakeUpstream } from "../../test/fake-upstream.ts";
import { settled } from "../../test/held-store.ts";
import { MemoryCredentials } from "../store/memory-credentials.ts";
import { Outstanding } from "./outstanding.ts";

const JOB = "job_1" as JobId;

/** What is outstanding in processes that follow one another on one store, at one upstream that creates nothing by itself. */
function machine() {
  const store = new MemoryCredentials();
  const upstream = new FakeUpstream();
  const clock = new ManualClock();
  const start = () =>
    new Outstanding({
      store,
      provisioners: new Map([["llm", upstream]]),
      clock,
      logger: pino({ level: "silent" }),
      patience: 10_000,
      doubt: 300_000,
    });
  const pass = async (ms: number) => {
    for (let step = 0; step < ms; step += 500) {
      clock.advance(500);
      await settled();
    }
  };
  return { store, upstream, clock, start, pass };
}

test("R-9.8-7: after a crash all revocations begin at once, however slow the upstream is", async () => {
  const { upstream, start } = machine();
  const before = start();
  const aliases: string[] = [];
  for (let count = 0; count < 50; count++) aliases.push(await before.order(JOB, "llm"));
  upstream.onRevoke = () => new Promise(() => {});
  await start().recover();
  await settled();
  expect(upstream.revocations.sort()).toEqual(aliases.sort());
});

test("R-9.8-4: a row that the store has in spite of its error is removed again", async () => {
  const { store, start } = machine();
  const { insert } = store;
  store.insert = async (row) => {
    await insert.call(store, row);
    throw new Error("the reply was lost");
  };
  await expect(start().order(JOB, "llm")).rejects.toThrow("the reply was lost");
  expect(await store.list()).toEqual([]);
});

test("R-9.8-9: a credential that is being revoked is not revoked a second time", async () => {
  const { upstream, start } = machine();
  const outstanding = start();
  const alias = await outstanding.order(JOB, "llm");
  const held = Promise.withResolvers<void>();
  upstream.onRevoke = () => held.promise;
  outstanding.answered(alias);
  outstanding.revoke(alias);
  await settled();
  outstanding.revoke(alias);
  held.resolve();
  await settled();
  expect(upstream.revocations).toEqual([alias]);
  expect(outstanding.list()).toEqual([]);
});

test("R-9.8-6: a credential that surfaces during the last look for it is revoked", async () => {
  const { upstream, start, store, clock } = machine();
  const outstanding = start();
  const alias = await outstanding.order(JOB, "llm");
  const [row] = await store.list();
  clock.advance(300_000);
  const held = Promise.withResolvers<void>();
  const { revoke } = upstream;
  upstream.revoke = async (name) => {
    const found = await revoke.call(upstream, name);
    await held.promise;
    return found;
  };
  outstanding.revoke(alias);
  await settled();
  upstream.alive.set(alias, "sk-that-came-too-late");
  if (row !== undefined) outstanding.surfaced(row);
  held.resolve();
  await settled();
  expect(upstream.revocations).toEqual([alias, alias]);
  expect(upstream.alive.size).toBe(0);
  expect(await store.list()).toEqual([]);
});

test("R-9.8-8: an upstream that does not answer a revocation is asked again", async () => {
  const { upstream, start, store, pass } = machine();
  const outstanding = start();
  const alias = await outstanding.order(JOB, "llm");
  upstream.alive.set(alias, "sk-still-in-force");
  upstream.onRevoke = () => new Promise(() => {});
  outstanding.revoke(alias);
  await pass(10_000);
  expect(outstanding.list()).toMatchObject([{ failures: 1, lastFailure: "Timeout" }]);
  upstream.onRevoke = () => {};
  await pass(500);
  expect(upstream.revocations).toEqual([alias, alias]);
  expect(await store.list()).toEqual([]);
});

test("R-9.8-8: what the operator has seen to between two attempts is not tried again", async () => {
  const { upstream, start, pass } = machine();
  const outstanding = start();
  const alias = await outstanding.order(JOB, "llm");
  upstream.onRevoke = () => Promise.reject(new Error("not now"));
  outstanding.revoke(alias);
  await settled();
  expect(await outstanding.forget(alias)).toBe(true);
  await pass(60_000);
  expect(upstream.revocations).toEqual([alias]);
});

test("R-9.8-6: the next process looks for an order without an answer only as long as it may still arrive", async () => {
  const { start, store, pass } = machine();
  await start().order(JOB, "llm");
  await pass(250_000);
  await start().recover();
  await pass(40_000);
  expect(await store.list()).toHaveLength(1);
  await pass(60_000);
  expect(await store.list()).toEqual([]);
});

test("R-9.8-8: who closes waits for what is being revoked, and leaves no timer behind", async () => {
  const { upstream, start, store, clock } = machine();
  const outstanding = start();
  const aliases = [await outstanding.order(JOB, "llm"), await outstanding.order(JOB, "llm")];
  const held = Promise.withResolvers<void>();
  upstream.onRevoke = (alias) =>
    alias === aliases[0] ? held.promise : Promise.reject(new Error("not now"));
  for (const alias of aliases) {
    outstanding.answered(alias);
    outstanding.revoke(alias);
  }
  let isSettled = false;
  const waiting = outstanding.settled().then(() => {
    isSettled = true;
  });
  await settled();
  expect(isSettled).toBe(false);
  held.resolve();
  await waiting;
  outstanding.close();
  expect((await store.list()).map(({ alias }) => alias)).toEqual([aliases[1]]);
  expect(clock.pending).toBe(0);
});
