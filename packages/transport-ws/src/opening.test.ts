import { once } from "node:events";
import { createServer } from "node:http";
import type { Socket } from "node:net";
import { PassThrough } from "node:stream";
import { ManualClock, type Transport } from "@arcp/core";
import { expect, test } from "vitest";
import { WebSocket } from "ws";
import { clientFrame, clientHeader } from "../test/client-frame.ts";
import { isHeldBack } from "../test/held-back.ts";
import { afterwards, RawPeer, started } from "../test/http-host.ts";
import { upgradeRequest } from "../test/upgrade-request.ts";
import { type AttachOptions, attach } from "./attach.ts";
import { dial } from "./dial.ts";
import { Opening } from "./opening.ts";

/** The default of maxOpeningSize. */
const LIMIT = 128 * 1024;
const TOO_MUCH = Buffer.alloc(64 * 1024, "x");

/** A server that hands out its connections, and the sockets beneath, in the order in which they came. */
async function serve(options: AttachOptions = {}) {
  const server = createServer();
  const sockets: Socket[] = [];
  server.on("connection", (socket: Socket) => sockets.push(socket));
  const came: Transport[] = [];
  const endpoint = attach(server, { closeTimeout: 100, ...options }, (one) => came.push(one));
  const port = await started(server);
  afterwards(() => endpoint.close());
  const next = async (): Promise<Transport> => {
    await expect.poll(() => came.length).toBeGreaterThan(0);
    return came.shift() as Transport;
  };
  return { port, url: `ws://127.0.0.1:${port}/arcp`, sockets, next };
}

async function stranger(port: number): Promise<RawPeer> {
  const peer = await RawPeer.open(port, upgradeRequest("/arcp"));
  expect(await peer.status()).toBe(101);
  return peer;
}

/** Resolves once it has been taken, or never if it is not. */
function write(peer: RawPeer, bytes: Uint8Array): Promise<void> {
  return new Promise((done) => peer.socket.write(bytes, () => done()));
}

const reader = (transport: Transport) => transport.frames[Symbol.asyncIterator]();

async function endOf(transport: Transport): Promise<unknown> {
  try {
    for await (const _ of transport.frames);
    return undefined;
  } catch (error) {
    return error;
  }
}

/** Each sends far more than a first message may take. */
const EXCESSES: ReadonlyArray<[how: string, bytes: Buffer]> = [
  ["in one frame", Buffer.concat([clientHeader(4 * 1024 * 1024), Buffer.alloc(1024 * 1024, "x")])],
  [
    "in many frames",
    Buffer.concat([
      clientFrame("x", { fin: false }),
      ...Array.from({ length: 1_000 }, () =>
        clientFrame("x".repeat(1_000), { opcode: 0, fin: false }),
      ),
    ]),
  ],
];

test.each(EXCESSES)(
  "R-4.1-8, R-4.1-11: too much of a first message %s is refused with an error, then 1009",
  async (_how, bytes) => {
    const { port, next, sockets } = await serve({ clock: new ManualClock() });
    const peer = await stranger(port);
    const ended = endOf(await next());
    peer.socket.write(bytes);
    const error = await ended;
    expect(error).toMatchObject({ code: "TRANSPORT_CLOSED", reason: "too-big" });
    expect(String(error)).toContain("(maxOpeningSize)");
    await expect.poll(() => peer.received).toContain("\x88\x02\x03\xf1");
    expect(peer.received).toContain('"session.error"');
    expect(peer.received).toContain('"code":"INVALID_REQUEST"');
    expect(peer.received).toContain(`an opening message may have at most ${LIMIT} bytes`);
    // Although nobody reads its answer any more.
    await expect.poll(() => sockets[0]?.destroyed).toBe(true);
  },
);

test("R-4.1-8: pings of a stranger are counted as well", async () => {
  const { port, next } = await serve({ maxOpeningSize: 20_000 });
  const peer = await stranger(port);
  const ended = endOf(await next());
  const ping = clientFrame("x".repeat(125), { opcode: 9 });
  for (let sent = 0; sent < 1_000 && !peer.received.includes("session.error"); sent++) {
    await write(peer, ping);
    await new Promise(setImmediate);
  }
  expect(await ended).toMatchObject({ reason: "too-big" });
});

test("R-4.1-8: each piece that is read counts 400 bytes more", async () => {
  const { url } = await serve();
  const ws = new WebSocket(url);
  afterwards(() => ws.terminate());
  await once(ws, "open");
  const socket = new PassThrough();
  const problems: string[] = [];
  new Opening(ws, socket, 4_010).begin((problem) => problems.push(problem));
  const read = (bytes: number): void => void socket.emit("data", Buffer.alloc(bytes));
  for (let i = 0; i < 10; i++) read(1);
  expect(problems).toEqual([]);
  read(0);
  expect(problems).toEqual([
    "an opening message may have at most 4010 bytes, 400 less for each packet (maxOpeningSize)",
  ]);
});

test("R-4.1-8: what comes in one piece with the end of the first message does not count", async () => {
  const { port, next } = await serve({ maxOpeningSize: 10_000 });
  const peer = await stranger(port);
  const frames = reader(await next());
  const texts = ["hello".repeat(1_000), "request".repeat(7_000)];
  peer.socket.write(Buffer.concat(texts.map((text) => clientFrame(text))));
  for (const text of texts) expect((await frames.next()).value).toBe(text);
  await write(peer, clientFrame("and on"));
  expect((await frames.next()).value).toBe("and on");
});

test("R-4.1-8: an opening message of 64 KiB passes, in frames and small packets, with a request behind it", async () => {
  const { port, next } = await serve();
  const peer = await stranger(port);
  const transport = await next();
  const frames = reader(transport);
  const text = "x".repeat(4 * 1024);
  const parts = Array.from({ length: 16 }, (_, i) =>
    clientFrame(text, { opcode: i === 0 ? 1 : 0, fin: i === 15 }),
  );
  const request = "y".repeat(1024 * 1024);
  const all = Buffer.concat([...parts, clientFrame(request)]);
  const { socket } = peer;
  socket.setNoDelay();
  for (let at = 0; at < 64 * 1024; at += 1_000) {
    await new Promise((done) => socket.write(all.subarray(at, at + 1_000), done));
    await new Promise(setImmediate);
  }
  void write(peer, all.subarray(66 * 1000));
  expect((await frames.next()).value).toBe(text.repeat(16));
  expect((await frames.next()).value).toBe(request);
});

test("R-4.1-8: behind its first message nothing is read until the reader wants more, and then as ever", async () => {
  const { port, next, sockets } = await serve();
  const peer = await stranger(port);
  const frames = reader(await next());
  const first = frames.next();
  await write(peer, clientFrame("hello"));
  expect((await first).value).toBe("hello");
  const [socket] = sockets;
  const large = clientFrame("x".repeat(4 * 1024 * 1024));
  // More than the system buffers.
  const all = Promise.all([1, 2, 3, 4, 5].map(() => write(peer, large)));
  expect(await isHeldBack(all)).toBe(true);
  expect(socket?.bytesRead).toBeLessThan(LIMIT);
  for (let i = 0; i < 5; i++) expect((await frames.next()).value?.length).toBe(4 * 1024 * 1024);
  await all;
  // Nothing of it is left.
  expect(socket?.listenerCount("data")).toBe(1);
});

test("R-4.1-8: a message in thousands of tiny frames is cut off, where the full size passes in frames of 4 KiB", async () => {
  const { port, next } = await serve();
  const peer = await stranger(port);
  const frames = reader(await next());
  await write(peer, clientFrame("hello"));
  await frames.next();
  const part = "x".repeat(4 * 1024);
  const rest = Array.from({ length: 1_022 }, () => clientFrame(part, { opcode: 0, fin: false }));
  const whole = [clientFrame(part, { fin: false }), ...rest, clientFrame(part, { opcode: 0 })];
  void write(peer, Buffer.concat(whole));
  expect((await frames.next()).value?.length).toBe(4 * 1024 * 1024);
  const ended = frames.next();
  const tiny = Array.from({ length: 2_000 }, () => clientFrame("x", { opcode: 0, fin: false }));
  peer.socket.write(Buffer.concat([clientFrame("x", { fin: false }), ...tiny]));
  await expect(ended).rejects.toMatchObject({ code: "TRANSPORT_CLOSED" });
});

test("R-4.1-8: what a refused stranger goes on to send is not kept", async () => {
  const { port, next, sockets } = await serve({ clock: new ManualClock() });
  const peer = await stranger(port);
  const transport = await next();
  const frames = reader(transport);
  await write(peer, clientFrame("hello"));
  await frames.next();
  await transport.send(["no"]);
  transport.close("refused");
  peer.socket.write(Buffer.concat([clientHeader(4 * 1024 * 1024), TOO_MUCH, TOO_MUCH, TOO_MUCH]));
  // Not because time is up: that stands still.
  await expect.poll(() => sockets[0]?.destroyed).toBe(true);
  expect(peer.received).toContain("no");
});

test("maxOpenings: one more upgrade gets 503 until a first message has been handled, or its connection is gone", async () => {
  const { port, url, next } = await serve({ maxOpenings: 2 });
  const [one, other] = [await stranger(port), await stranger(port)];
  const [first] = [await next(), await next()];
  const third = await RawPeer.open(port, upgradeRequest("/arcp"));
  expect(await third.status()).toBe(503);
  expect(third.received).toContain("Retry-After: 1\r\n");
  expect(third.received).toMatch(/\r\n\r\ntoo many connections are waiting for their session: try/);
  await third.closed;
  // Other refusals come first: they are for good.
  const wrong = await RawPeer.open(port, upgradeRequest("/arcp", { Host: "evil.example" }));
  expect(await wrong.status()).toBe(403);
  await expect(dial(url)(new AbortController().signal)).rejects.toMatchObject({
    reason: "going-away",
    retryable: true,
  });

  await write(one, clientFrame("hello"));
  const frames = reader(first);
  await frames.next();
  expect(await (await RawPeer.open(port, upgradeRequest("/arcp"))).status()).toBe(503);
  // The reader wants more, so it knows who that is.
  void frames.next().catch(() => {});
  const fourth = await stranger(port);
  expect(await (await RawPeer.open(port, upgradeRequest("/arcp"))).status()).toBe(503);
  await Promise.all([other.reset(), fourth.reset()]);
  await expect
    .poll(async () => (await RawPeer.open(port, upgradeRequest("/arcp"))).status())
    .toBe(101);
});

test("maxOpenings: whoever is being refused counts until it is gone", async () => {
  const clock = new ManualClock();
  const { port, next } = await serve({ maxOpenings: 1, clock, closeTimeout: 1_000 });
  const peer = await stranger(port);
  (await next()).close("refused");
  expect(await (await RawPeer.open(port, upgradeRequest("/arcp"))).status()).toBe(503);
  clock.advance(1_000);
  await peer.closed;
  await stranger(port);
});

test("R-4.1-6: a message in tens of thousands of packets is refused, also of a peer that is known", async () => {
  const { port, next } = await serve({ maxMessageSize: 100_000 });
  const peer = await stranger(port);
  const transport = await next();
  const frames = reader(transport);
  await write(peer, clientFrame("hello"));
  await frames.next();
  const ended = endOf(transport);
  await write(peer, clientHeader(100_000));
  let sent = 0;
  for (; sent < 99_999 && !peer.socket.destroyed; sent++) {
    peer.socket.write("x");
    await new Promise(setImmediate);
  }
  expect(await ended).toMatchObject({ code: "TRANSPORT_CLOSED" });
  expect(sent).toBeGreaterThan(10_000);
  expect(sent).toBeLessThan(99_999);
});
