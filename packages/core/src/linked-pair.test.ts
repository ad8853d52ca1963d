import { expect, test } from "vitest";
import { linkedPair } from "./linked-pair.ts";
import type { CloseReason, Transport } from "./transport.ts";
import { TransportClosedError } from "./transport-closed-error.ts";

async function collect(transport: Transport): Promise<string[]> {
  const seen: string[] = [];
  for await (const frame of transport.frames) seen.push(frame);
  return seen;
}

/** Whether a promise settles by itself, within more turns than any test here needs. */
async function settles(promise: Promise<unknown>): Promise<boolean> {
  let settled = false;
  promise.then(
    () => {
      settled = true;
    },
    () => {
      settled = true;
    },
  );
  for (let turn = 0; turn < 20; turn++) await Promise.resolve();
  return settled;
}

test("R-4-1: both directions keep their order, even if no send is awaited", async () => {
  const { client, runtime } = linkedPair();
  const up = collect(runtime);
  const down = collect(client);
  void client.send(["a", "b"]);
  void runtime.send(["1"]);
  void client.send([]);
  void client.send(["c"]);
  void runtime.send(["2", "3"]);
  client.close();
  expect(await up).toEqual(["a", "b", "c"]);
  expect(await down).toEqual(["1", "2", "3"]);
});

test("R-4-5: only strings pass between the ends", async () => {
  const { client, runtime } = linkedPair();
  await client.send(["{}"]);
  client.close();
  for (const frame of await collect(runtime)) expect(typeof frame).toBe("string");
});

test("R-4.1-10: send stays pending while more than the high-water mark is unread", async () => {
  const { client, runtime } = linkedPair({ highWaterMark: 10 });
  expect(await settles(client.send(["x".repeat(10)]))).toBe(true);
  const second = client.send(["y", "z"]);
  expect(await settles(second)).toBe(false);
  const third = client.send(["w"]);
  const reader = runtime.frames[Symbol.asyncIterator]();
  expect((await reader.next()).value).toBe("x".repeat(10));
  expect(await settles(second)).toBe(true);
  expect(await settles(third)).toBe(true);
});

test("R-4.1-10: back-pressure in one direction does not block the other", async () => {
  const { client, runtime } = linkedPair({ highWaterMark: 1 });
  expect(await settles(client.send(["xx"]))).toBe(false);
  expect(await settles(runtime.send(["y"]))).toBe(true);
});

test("a frame larger than the high-water mark passes once it is read", async () => {
  const { client, runtime } = linkedPair({ highWaterMark: 4 });
  const sent = client.send(["x".repeat(1000)]);
  expect(await settles(sent)).toBe(false);
  await runtime.frames[Symbol.asyncIterator]().next();
  expect(await settles(sent)).toBe(true);
});

test.each(["client", "runtime"] as const)(
  "an orderly close by the %s delivers what was sent before it and ends both ends",
  async (who) => {
    const pair = linkedPair();
    const closer = pair[who];
    const other = who === "client" ? pair.runtime : pair.client;
    await closer.send(["last words"]);
    await other.send(["crossing"]);
    closer.close();
    expect(await collect(other)).toEqual(["last words"]);
    expect(await collect(closer)).toEqual(["crossing"]);
  },
);

test.each<CloseReason>(["going-away", "refused", "fault", "too-big", "not-text"])(
  "R-12-5: a close with %s delivers what was sent before it, then fails with the reason",
  async (reason) => {
    const { client, runtime } = linkedPair();
    await runtime.send(["the explanation"]);
    runtime.close(reason);
    const reader = client.frames[Symbol.asyncIterator]();
    expect((await reader.next()).value).toBe("the explanation");
    const failure = await reader.next().catch((error: unknown) => error);
    expect(failure).toBeInstanceOf(TransportClosedError);
    expect(failure).toMatchObject({ reason });
  },
);

test("R-4-4: a severed connection fails on both ends without a reason, and loses what was in flight", async () => {
  const pair = linkedPair();
  await pair.client.send(["lost"]);
  await pair.runtime.send(["lost too"]);
  pair.sever();
  for (const end of [pair.client, pair.runtime]) {
    const failure = await collect(end).catch((error: unknown) => error);
    expect(failure).toBeInstanceOf(TransportClosedError);
    expect(failure).toMatchObject({ reason: undefined });
    await expect(end.send(["x"])).rejects.toBeInstanceOf(TransportClosedError);
  }
});

test("severing the connection loses a close that has not arrived, with the frames in front of it", async () => {
  const { client, runtime, sever } = linkedPair();
  await runtime.send(["why"]);
  runtime.close("refused");
  sever();
  const failure = await collect(client).catch((error: unknown) => error);
  expect(failure).toBeInstanceOf(TransportClosedError);
  expect(failure).toMatchObject({ reason: undefined });
  await expect(client.send(["x"])).rejects.toMatchObject({ reason: undefined });
  await expect(runtime.send(["x"])).rejects.toMatchObject({ reason: "refused" });
});

test("severing the connection wakes a waiting reader", async () => {
  const pair = linkedPair();
  const reading = collect(pair.runtime);
  await Promise.resolve();
  pair.sever();
  await expect(reading).rejects.toBeInstanceOf(TransportClosedError);
});

test("a send after the close rejects on both ends and delivers nothing", async () => {
  const { client, runtime } = linkedPair();
  client.close("going-away");
  for (const end of [client, runtime]) {
    await expect(end.send(["late"])).rejects.toMatchObject({
      code: "TRANSPORT_CLOSED",
      reason: "going-away",
    });
  }
  await expect(collect(runtime)).rejects.toBeInstanceOf(TransportClosedError);
});

test("only the first close counts, whichever end makes the second", async () => {
  const pair = linkedPair();
  pair.client.close("normal");
  pair.client.close("fault");
  pair.runtime.close("refused");
  expect(await collect(pair.runtime)).toEqual([]);
  expect(await collect(pair.client)).toEqual([]);
  await expect(pair.runtime.send([])).rejects.toMatchObject({ reason: "normal" });
});

test.each(["close by the reader", "close by the sender", "sever"])(
  "a waiting send does not wait for ever: %s",
  async (how) => {
    const pair = linkedPair({ highWaterMark: 1 });
    const sent = pair.client.send(["xxxx"]);
    expect(await settles(sent)).toBe(false);
    if (how === "sever") pair.sever();
    else if (how === "close by the reader") pair.runtime.close();
    else pair.client.close();
    expect(await settles(sent)).toBe(true);
  },
);

test("a reader that stops early holds the sender back until it closes", async () => {
  const { client, runtime } = linkedPair({ highWaterMark: 2 });
  const sent = client.send(["a", "b", "c", "d"]);
  for await (const _ of runtime.frames) break;
  expect(await settles(sent)).toBe(false);
  runtime.close();
  expect(await settles(sent)).toBe(true);
});

test("a send that waits for room rejects when the connection ends, whichever end closed it", async () => {
  for (const end of ["sever", "own", "peer"] as const) {
    const pair = linkedPair({ highWaterMark: 1 });
    const sent = pair.client.send(["xx"]);
    if (end === "sever") pair.sever();
    else if (end === "own") pair.client.close("refused");
    else pair.runtime.close("refused");
    await expect(sent).rejects.toMatchObject({
      code: "TRANSPORT_CLOSED",
      reason: end === "sever" ? undefined : "refused",
    });
  }
});
