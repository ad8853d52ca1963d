import { createServer } from "node:http";
import { type AddressInfo, connect, type Socket, type SocketConstructorOpts } from "node:net";
import { Duplex } from "node:stream";
import { HIGH_WATER_MARK, ManualClock, type Transport, TransportClosedError } from "@arcp/core";
import { afterEach, expect, test } from "vitest";
import { WebSocket } from "ws";
import { isHeldBack } from "../test/held-back.ts";
import { type AttachOptions, attach } from "./attach.ts";
import { Connection } from "./connection.ts";
import { dial } from "./dial.ts";
import { serverWriter } from "./frame-writer.ts";

const after: Array<() => unknown> = [];
afterEach(async () => {
  for (const end of after.splice(0).reverse()) await end();
});

/** A server that collects each connection's transport and the socket below it, in the order in which they come. */
async function serve(options: AttachOptions = {}) {
  const server = createServer();
  const sockets: Socket[] = [];
  const accepted: Transport[] = [];
  const waiting: Array<(transport: Transport) => void> = [];
  server.on("connection", (socket: Socket) => sockets.push(socket));
  const attachment = attach(server, { closeTimeout: 100, ...options }, (transport) => {
    const next = waiting.shift();
    if (next === undefined) accepted.push(transport);
    else next(transport);
  });
  await new Promise<void>((done) => server.listen(0, "127.0.0.1", done));
  after.push(async () => {
    for (const socket of sockets) socket.destroy();
    await attachment.close();
    server.close();
  });
  const url = `ws://127.0.0.1:${(server.address() as AddressInfo).port}/arcp`;
  const next = async (): Promise<Transport> =>
    accepted.shift() ?? new Promise((resolve) => waiting.push(resolve));
  return { url, sockets, next };
}

async function dialled(url: string): Promise<Transport> {
  const transport = await dial(url, { closeTimeout: 100 })(new AbortController().signal);
  after.push(() => transport.close());
  return transport;
}

/** A client of ws, its messages and its close code. */
async function wsClient(url: string) {
  const ws = new WebSocket(url);
  const messages: string[] = [];
  ws.on("message", (data) => messages.push(data.toString()));
  const code = new Promise<number>((resolve) => ws.on("close", resolve));
  await new Promise((done) => ws.once("open", done));
  after.push(() => ws.terminate());
  return { ws, messages, code };
}

/** A bare socket after its upgrade, paused: it answers nothing by itself. */
async function rawClient(url: string, options: SocketConstructorOpts = {}): Promise<Socket> {
  const { port, pathname } = new URL(url);
  const socket = connect({ ...options, port: Number(port), host: "127.0.0.1" });
  socket.on("error", () => {});
  after.push(() => socket.destroy());
  socket.write(
    `GET ${pathname} HTTP/1.1\r\nHost: 127.0.0.1\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n` +
      "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: MDEyMzQ1Njc4OWFiY2RlZg==\r\n\r\n",
  );
  const answer = await new Promise<Buffer>((resolve) => socket.once("data", resolve));
  socket.pause();
  expect(answer.toString()).toMatch(/^HTTP\/1\.1 101 .*\r\n\r\n$/s);
  return socket;
}

/** What a bare socket receives from now on. */
function recording(raw: Socket) {
  const chunks: Buffer[] = [];
  let size = 0;
  let wake = (): void => {};
  raw.on("data", (chunk) => {
    chunks.push(chunk);
    size += chunk.length;
    wake();
  });
  raw.resume();
  const bytes = async (least: number): Promise<Buffer> => {
    while (size < least) {
      await new Promise<void>((done) => {
        wake = done;
      });
    }
    return Buffer.concat(chunks);
  };
  return bytes;
}

/** A client's message with a mask of 0, which changes nothing. */
function masked(payload: string | Buffer, firstByte = 0x81): Buffer {
  const body = Buffer.from(payload as string);
  const length = body.length < 126 ? [body.length] : [126, body.length >> 8, body.length & 0xff];
  const [first = 0, ...more] = length;
  return Buffer.concat([Buffer.from([firstByte, 0x80 | first, ...more, 0, 0, 0, 0]), body]);
}

/** The frames until the stream ends, and how it ended. */
async function drained(transport: Transport) {
  const frames: string[] = [];
  try {
    for await (const frame of transport.frames) frames.push(frame);
  } catch (error) {
    return { frames, error: error as TransportClosedError };
  }
  return { frames, error: undefined };
}

async function take(transport: Transport, count: number): Promise<string[]> {
  const frames: string[] = [];
  for await (const frame of transport.frames) {
    frames.push(frame);
    if (frames.length === count) break;
  }
  return frames;
}

/** Sends batches until one stays pending for a while. Returns the characters that were taken, and the pending send. */
async function sendUntilStalled(transport: Transport, frame: (index: number) => string) {
  for (let sent = 0; ; sent += 64) {
    const batch = Array.from({ length: 64 }, (_, i) => frame(sent + i));
    const pending = transport.send(batch);
    pending.catch(() => {});
    if (await isHeldBack(pending)) return { count: sent + 64, pending };
  }
}

const numbered = (index: number): string => `${index} ${"x".repeat(8_000)}`;
const numbers = (frames: readonly string[]): number[] => frames.map((f) => Number.parseInt(f, 10));
const upTo = (count: number): number[] => Array.from({ length: count }, (_, i) => i);

test("R-4-1, R-4.1-1: 1000 frames of any size and script arrive in order, both ways at once", async () => {
  const server = await serve();
  const client = await dialled(server.url);
  const runtime = await server.next();
  const scripts = ["a", "é", "€", "😀"];
  const frames = upTo(1000).map((i) => {
    const size = i % 100 === 0 ? 70_000 : Math.floor(Math.random() * 300);
    return `${i} ${(scripts[i % 4] ?? "").repeat(size)}`;
  });
  const pour = async (transport: Transport): Promise<void> => {
    for (let i = 0; i < frames.length; ) {
      const batch = 1 + Math.floor(Math.random() * 40);
      await transport.send(frames.slice(i, i + batch));
      i += batch;
    }
  };
  const [down, up] = await Promise.all([
    take(client, 1000),
    take(runtime, 1000),
    pour(client),
    pour(runtime),
  ]);
  expect(down).toEqual(frames);
  expect(up).toEqual(frames);
});

test("R-4-1: sends that nobody awaits keep their order", async () => {
  const server = await serve();
  const client = await dialled(server.url);
  const runtime = await server.next();
  const sends = upTo(300).map((i) => runtime.send([numbered(i)]));
  expect(numbers(await take(client, 300))).toEqual(upTo(300));
  await Promise.all(sends);
});

test("R-4.1-10: with a stalled reader, send stays pending with a bounded queue; then all arrives in order", async () => {
  const server = await serve();
  const raw = await rawClient(server.url);
  const runtime = await server.next();
  const { count, pending } = await sendUntilStalled(runtime, numbered);
  const [socket] = server.sockets;
  expect(socket?.writableLength).toBeLessThanOrEqual(HIGH_WATER_MARK + 65 * 8_100);
  const listeners = socket?.eventNames().map((name) => socket.listenerCount(name));
  const more = upTo(20).map((i) => runtime.send([numbered(count + i)]));
  for (const send of more) send.catch(() => {});
  expect(socket?.eventNames().map((name) => socket.listenerCount(name))).toEqual(listeners);

  const expected = upTo(count + 20).reduce((sum, i) => sum + numbered(i).length + 4, 0);
  const received = await recording(raw)(expected);
  await Promise.all([pending, ...more]);
  const order = [...received.toString("latin1").matchAll(/(\d+) x{8000}/g)].map((m) =>
    Number(m[1]),
  );
  expect(order).toEqual(upTo(count + 20));
  expect(received.length).toBe(expected);
});

test("R-4.1-10: a reader that stalls here stalls its peer, in both directions, and loses nothing", async () => {
  const server = await serve();
  const client = await dialled(server.url);
  const runtime = await server.next();
  const up = await sendUntilStalled(client, numbered);
  expect((runtime.frames as unknown as { waiting: number }).waiting).toBeLessThan(
    2 * HIGH_WATER_MARK,
  );
  expect(numbers(await take(runtime, up.count))).toEqual(upTo(up.count));
  await up.pending;
  const down = await sendUntilStalled(runtime, numbered);
  expect(numbers(await take(client, down.count))).toEqual(upTo(down.count));
  await down.pending;
});

test("R-4.1-10: a reader that takes a frame now and then is sent no more than it takes", async () => {
  const server = await serve();
  const client = await dialled(server.url);
  const runtime = await server.next();
  let pouring = true;
  const poured = (async () => {
    for (let i = 0; pouring; i++) await client.send([numbered(i)]);
  })();
  poured.catch(() => {});
  const queue = runtime.frames as unknown as { waiting: number };
  const reader = runtime.frames[Symbol.asyncIterator]();
  let most = 0;
  for (let i = 0; i < 200; i++) {
    await reader.next();
    await new Promise(setImmediate);
    most = Math.max(most, queue.waiting);
  }
  pouring = false;
  expect(most).toBeGreaterThan(HIGH_WATER_MARK / 2);
  expect(most).toBeLessThan(2 * HIGH_WATER_MARK);
});

test("R-4.1-11: a connection that closes hears the peer's answer behind all that it still sends, unread or not", async () => {
  const server = await serve({ clock: new ManualClock() });
  const { ws, code } = await wsClient(server.url);
  const runtime = await server.next();
  const queue = runtime.frames as unknown as { waiting: number };
  for (let i = 0; i < 40; i++) ws.send(numbered(i));
  // Behind the first one nothing is read until a second is wanted.
  await take(runtime, 2);
  await expect.poll(() => queue.waiting).toBeGreaterThan(HIGH_WATER_MARK);
  runtime.close();
  for (let i = 0; i < 1_000; i++) ws.send(numbered(i));
  // The clock stands still, so nothing cuts it off.
  expect(await code).toBe(1000);
});

test("R-4.1-1: pongs and the close frame never land inside one of our frames", async () => {
  const server = await serve();
  const { ws, messages, code } = await wsClient(server.url);
  expect(ws.extensions).toBe("");
  const runtime = await server.next();
  let pongs = 0;
  ws.on("pong", () => {
    pongs += 1;
    if (pongs < 200) ws.ping(`${pongs}`);
  });
  ws.ping("0");
  const big = `${"é".repeat(600_000)}`;
  for (let i = 0; i < 30; i += 1) {
    await runtime.send([numbered(2 * i), big, numbered(2 * i + 1)]);
    await new Promise(setImmediate);
  }
  runtime.close();
  expect(await code).toBe(1000);
  expect(numbers(messages.filter((text) => text !== big))).toEqual(upTo(60));
  expect(pongs).toBeGreaterThan(0);
});

test.each([
  ["normal", 1000],
  ["going-away", 1001],
  ["refused", 1008],
  ["fault", 1011],
  ["too-big", 1009],
  ["not-text", 1003],
] as const)(
  "R-4.1-11: close(%s) delivers what was sent, then closes with %i",
  async (reason, code) => {
    const server = await serve();
    const { messages, code: seen } = await wsClient(server.url);
    const runtime = await server.next();
    const sent = runtime.send(upTo(100).map(numbered));
    sent.catch(() => {});
    runtime.close(reason);
    runtime.close("fault");
    expect(await seen).toBe(code);
    expect(numbers(messages)).toEqual(upTo(100));
    expect(await drained(runtime)).toEqual({ frames: [], error: undefined });
    await expect(runtime.send(["late"])).rejects.toMatchObject({ reason });
  },
);

test("R-4.1-11: what a client sent just before it closed is delivered first", async () => {
  const server = await serve();
  const client = await dialled(server.url);
  const runtime = await server.next();
  for (const i of upTo(100)) client.send([numbered(i)]).catch(() => {});
  client.close("normal");
  const { frames, error } = await drained(runtime);
  expect(numbers(frames)).toEqual(upTo(100));
  expect(error).toBeUndefined();
});

test.each([
  [1000, "normal"],
  [undefined, "normal"],
  [4000, "normal"],
  [1001, "going-away"],
  [4001, "going-away"],
  [4008, "refused"],
  [4011, "fault"],
  [3333, undefined],
] as const)("R-4.1-11: a peer that closes with %s is reported as %s", async (code, reason) => {
  const server = await serve();
  const { ws } = await wsClient(server.url);
  const runtime = await server.next();
  ws.send("last");
  ws.close(code);
  const { frames, error } = await drained(runtime);
  expect(frames).toEqual(["last"]);
  if (reason === "normal") expect(error).toBeUndefined();
  else {
    expect(error).toBeInstanceOf(TransportClosedError);
    expect(error?.reason).toBe(reason);
  }
  const refused = runtime.send(["late"]);
  await expect(refused).rejects.toBeInstanceOf(TransportClosedError);
  await expect(refused).rejects.toMatchObject({ reason });
});

test("R-4.1-11: between two of our ends, the reason arrives whichever side closes", async () => {
  const server = await serve();
  const first = await dialled(server.url);
  (await server.next()).close("refused");
  expect((await drained(first)).error?.reason).toBe("refused");
  const second = await dialled(server.url);
  const runtime = await server.next();
  second.close("going-away");
  expect((await drained(runtime)).error?.reason).toBe("going-away");
});

test("a send while the peer is closing rejects with the peer's reason and writes nothing", async () => {
  const server = await serve();
  const raw = await rawClient(server.url);
  const runtime = await server.next();
  const received = recording(raw);
  const [socket] = server.sockets;
  // After ws, which sees the close frame first.
  const sending = new Promise<Promise<void>>((resolve) => {
    socket?.on("data", () => resolve(runtime.send(["late"])));
  }).then(async (send) => await send);
  raw.write(masked(Buffer.from([0x03, 0xf0]), 0x88));
  await expect(sending).rejects.toMatchObject({ reason: "refused" });
  expect(await received(4)).toEqual(Buffer.from([0x88, 2, 0x03, 0xf0]));
});

test("a peer that does not answer the close frame is cut off after the close timeout", async () => {
  const clock = new ManualClock();
  const server = await serve({ clock, closeTimeout: 1_500 });
  const raw = await rawClient(server.url);
  const runtime = await server.next();
  const received = recording(raw);
  const ended = new Promise((done) => raw.once("close", done));
  await runtime.send(["bye"]);
  runtime.close("refused");
  await expect(runtime.send(["late"])).rejects.toMatchObject({ reason: "refused" });
  clock.advance(1_499);
  expect(server.sockets[0]?.destroyed).toBe(false);
  clock.advance(1);
  expect(server.sockets[0]?.destroyed).toBe(true);
  await ended;
  expect((await received(9)).toString("latin1")).toBe("\x81\x03bye\x88\x02\x03\xf0");
  expect(clock.pending).toBe(0);
});

test("a close in good order leaves no timer behind", async () => {
  const clock = new ManualClock();
  const server = await serve({ clock });
  const { code } = await wsClient(server.url);
  const runtime = await server.next();
  const gone = new Promise((done) => server.sockets[0]?.once("close", done));
  runtime.close();
  await Promise.all([code, gone]);
  expect(clock.pending).toBe(0);
});

test("a close completes although this side has stopped reading", async () => {
  // The clock stands still, so no timeout can help.
  const server = await serve({ clock: new ManualClock() });
  const client = await dialled(server.url);
  const runtime = await server.next();
  const { pending } = await sendUntilStalled(client, numbered);
  const gone = new Promise((done) => server.sockets[0]?.once("close", done));
  runtime.close("refused");
  expect((await drained(client)).error?.reason).toBe("refused");
  await gone;
  await pending.catch(() => {});
});

test.each(["peer", "here"])(
  "a pending send rejects when the connection ends (%s)",
  async (side) => {
    const server = await serve({ clock: new ManualClock() });
    const raw = await rawClient(server.url);
    const runtime = await server.next();
    const { pending } = await sendUntilStalled(runtime, numbered);
    if (side === "peer") raw.resetAndDestroy();
    else runtime.close("going-away");
    await expect(pending).rejects.toBeInstanceOf(TransportClosedError);
    await expect(pending).rejects.toMatchObject({
      reason: side === "peer" ? undefined : "going-away",
    });
  },
);

test("a failed write makes no room: the pending send rejects with the end of the connection", async () => {
  const { url } = await serve();
  const { ws } = await wsClient(url);
  let fail = (): void => {};
  const socket = new Duplex({
    read() {},
    write(_chunk, _encoding, done) {
      fail = () => done(new Error("cancelled"));
    },
  });
  socket.on("error", () => {});
  const connection = new Connection(ws, socket, serverWriter(socket), { closeTimeout: 100 });
  const pending = connection.send(["x".repeat(HIGH_WATER_MARK)]);
  expect(await isHeldBack(pending)).toBe(true);
  fail();
  expect(socket.writableLength).toBe(0);
  expect(await isHeldBack(pending)).toBe(true);
  ws.terminate();
  await expect(pending).rejects.toMatchObject({ code: "TRANSPORT_CLOSED", reason: undefined });
});

test("R-4-4: a reset within a frame breaks the transport, after the frames that were whole", async () => {
  const server = await serve();
  const raw = await rawClient(server.url);
  const runtime = await server.next();
  raw.write(Buffer.concat([masked("whole"), masked("x".repeat(200)).subarray(0, 90)]));
  expect(await take(runtime, 1)).toEqual(["whole"]);
  raw.resetAndDestroy();
  const { frames, error } = await drained(runtime);
  expect(frames).toEqual([]);
  expect(error).toBeInstanceOf(TransportClosedError);
  expect(error?.reason).toBeUndefined();
  await expect(runtime.send(["late"])).rejects.toMatchObject({ reason: undefined });
});

test("R-4-4: an end without a close frame breaks the transport too", async () => {
  const server = await serve();
  const raw = await rawClient(server.url);
  const runtime = await server.next();
  raw.end(Buffer.concat([masked("whole"), masked("half").subarray(0, 8)]));
  const { frames, error } = await drained(runtime);
  expect(frames).toEqual(["whole"]);
  expect(error).toMatchObject({ code: "TRANSPORT_CLOSED", reason: undefined });
});

test("R-4-4: a peer that ends its half and does not read is cut off after the close timeout", async () => {
  const clock = new ManualClock();
  const server = await serve({ clock, closeTimeout: 1_500 });
  const raw = await rawClient(server.url, { allowHalfOpen: true });
  const runtime = await server.next();
  const { pending } = await sendUntilStalled(runtime, numbered);
  const [socket] = server.sockets;
  const ended = new Promise((done) => socket?.once("end", done));
  raw.end();
  await ended;
  clock.advance(1_499);
  expect(socket?.destroyed).toBe(false);
  clock.advance(1);
  await expect(pending).rejects.toMatchObject({ code: "TRANSPORT_CLOSED", reason: undefined });
  expect((await drained(runtime)).error).toMatchObject({ reason: undefined });
  expect(clock.pending).toBe(0);
});

test("R-4.1-3: a binary message is no envelope: it closes with 1003, and nothing after it counts", async () => {
  const server = await serve();
  const { ws, code } = await wsClient(server.url);
  const runtime = await server.next();
  ws.send("text");
  ws.send(Buffer.from('{"type":"session.hello"}'));
  ws.send("behind");
  const { frames, error } = await drained(runtime);
  expect(frames).toEqual(["text"]);
  expect(error).toMatchObject({ code: "TRANSPORT_CLOSED", reason: "not-text" });
  expect(await code).toBe(1003);
});

test.each([
  ["R-4.1-3: text that is not UTF-8", masked(Buffer.from([0xff, 0xfe])), 1007, "not-text"],
  ["R-4.1-1: an unmasked frame", Buffer.from([0x81, 2, 0x68, 0x69]), 1002, undefined],
  [
    "R-4.1-6: a length that no message can have",
    Buffer.from([0x81, 0xff, 0x7f, ...new Array(7).fill(0xff), 0, 0, 0, 0]),
    1009,
    "too-big",
  ],
] as const)("%s closes the connection", async (_what, bytes, code, reason) => {
  const server = await serve();
  const raw = await rawClient(server.url);
  const runtime = await server.next();
  const received = recording(raw);
  raw.write(bytes);
  expect((await drained(runtime)).error).toMatchObject({ code: "TRANSPORT_CLOSED", reason });
  expect((await received(4)).readUInt16BE(2)).toBe(code);
});

test("R-4.1-6: a message at the limit passes, one byte more closes with 1009; other connections live on", async () => {
  const server = await serve({ maxMessageSize: 1_000 });
  const bystander = await dialled(server.url);
  const other = await server.next();
  const { ws, code } = await wsClient(server.url);
  const runtime = await server.next();
  ws.send("é".repeat(500));
  ws.send(`${"é".repeat(500)}x`);
  ws.send("behind");
  const { frames, error } = await drained(runtime);
  expect(frames).toEqual(["é".repeat(500)]);
  expect(error).toMatchObject({ code: "TRANSPORT_CLOSED", reason: "too-big" });
  expect(String(error)).toContain("above maxMessageSize");
  expect(await code).toBe(1009);
  await bystander.send(["fine"]);
  expect(await take(other, 1)).toEqual(["fine"]);
});

test("R-4.1-6: the limit also holds for a fragmented message, and is 4 MiB by default", async () => {
  const small = await serve({ maxMessageSize: 1_000 });
  const { ws, code } = await wsClient(small.url);
  ws.send("x".repeat(600), { fin: false });
  ws.send("x".repeat(600), { fin: true });
  expect(await code).toBe(1009);

  const usual = await serve();
  const { ws: peer, code: end } = await wsClient(usual.url);
  const runtime = await usual.next();
  const limit = 4 * 1024 * 1024;
  peer.send("the first message, which may not be as long");
  await take(runtime, 1);
  peer.send("x".repeat(limit));
  expect((await take(runtime, 1))[0]?.length).toBe(limit);
  peer.send("x".repeat(limit + 1));
  expect(await end).toBe(1009);
});
