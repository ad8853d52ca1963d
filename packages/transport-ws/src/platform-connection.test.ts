import { createServer } from "node:http";
import type { AddressInfo, Socket } from "node:net";
import { HIGH_WATER_MARK, ManualClock, type Transport, TransportClosedError } from "@arcp/core";
import { afterEach, expect, test } from "vitest";
import { type WebSocket as Peer, WebSocketServer } from "ws";
import { isHeldBack } from "../test/held-back.ts";
import { type DialOptions, dial } from "./browser.ts";
import { listen } from "./listen.ts";
import { PlatformConnection } from "./platform-connection.ts";

const after: Array<() => unknown> = [];
afterEach(async () => {
  for (const end of after.splice(0).reverse()) await end();
});

/** A transport on the platform's WebSocket, the peer's end in `ws`, its socket and its close code. */
async function connected(options: DialOptions = {}) {
  const server = createServer();
  const sockets = new WebSocketServer({ server, perMessageDeflate: false });
  await new Promise<void>((done) => server.listen(0, "127.0.0.1", done));
  const accepted = new Promise<[Peer, Socket]>((resolve) => {
    sockets.on("connection", (ws, { socket }) => resolve([ws, socket]));
  });
  const url = `ws://127.0.0.1:${(server.address() as AddressInfo).port}/`;
  const transport = await dial(url, options)(new AbortController().signal);
  const [peer, socket] = await accepted;
  after.push(() => {
    transport.close();
    peer.terminate();
    server.close();
  });
  const messages: string[] = [];
  peer.on("message", (data) => messages.push(data.toString()));
  const code = new Promise<number>((resolve) => peer.on("close", resolve));
  return { transport, peer, socket, messages, code };
}

/** Both ends are ours: the platform's WebSocket against `listen`. */
async function ours() {
  const accepted = Promise.withResolvers<Transport>();
  const server = await listen({ port: 0 }, (transport) => accepted.resolve(transport));
  after.push(() => server.close());
  const client = await dial(server.url)(new AbortController().signal);
  return { client, runtime: await accepted.promise };
}

/** A WebSocket that sends nothing until the test lets it, and how much waits in it. */
class Stalled extends EventTarget {
  readonly OPEN = 1;
  readyState = 1;
  bufferedAmount = 0;
  binaryType = "blob";
  code: number | undefined;

  send(text: string): void {
    this.bufferedAmount += text.length;
  }

  close(code?: number): void {
    this.readyState = 2;
    this.code = code;
  }

  closed(code: number): void {
    this.readyState = 3;
    this.dispatchEvent(Object.assign(new Event("close"), { code }));
  }

  received(data: unknown): void {
    this.dispatchEvent(new MessageEvent("message", { data }));
  }
}

function stalled() {
  const clock = new ManualClock();
  const ws = new Stalled();
  const transport = new PlatformConnection(ws as unknown as WebSocket, {
    maxMessageSize: 1_000,
    clock,
  });
  return { clock, ws, transport };
}

/** Whether a promise is still pending after everything that is ready has run. */
async function isPending(promise: Promise<unknown>): Promise<boolean> {
  let pending = true;
  const settled = (): void => {
    pending = false;
  };
  promise.then(settled, settled);
  await new Promise((resolve) => setImmediate(resolve));
  return pending;
}

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

const upTo = (count: number): number[] => Array.from({ length: count }, (_, i) => i);

test("R-4-1, R-4.1-1: 1000 frames of any size and script arrive in order, both ways at once", async () => {
  const { client, runtime } = await ours();
  const scripts = ["a", "é", "€", "😀"];
  const frames = upTo(1000).map((i) => {
    const size = i % 100 === 0 ? 70_000 : (i * 7) % 300;
    return `${i} ${(scripts[i % 4] ?? "").repeat(size)}`;
  });
  const pour = async (transport: Transport): Promise<void> => {
    for (let i = 0; i < frames.length; i += 25) await transport.send(frames.slice(i, i + 25));
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

test("R-4.1-10: send stays pending while more than the high-water mark waits in the socket", async () => {
  const { clock, ws, transport } = stalled();
  const half = "x".repeat(HIGH_WATER_MARK / 2);
  await transport.send([half, half]);
  expect(clock.pending).toBe(0);
  const first = transport.send(["x"]);
  const second = transport.send(["x"]);
  expect(await isPending(first)).toBe(true);
  expect(await isPending(second)).toBe(true);
  // One poll serves both.
  expect(clock.pending).toBe(1);
  clock.advance(10);
  ws.bufferedAmount -= 1;
  clock.advance(10);
  expect(await isPending(first)).toBe(true);
  ws.bufferedAmount -= 1;
  expect(await isPending(first)).toBe(true);
  clock.advance(10);
  await Promise.all([first, second]);
  expect(clock.pending).toBe(0);
});

test("R-4.1-10: a peer that does not read stalls send, and then gets everything", async () => {
  const { transport, peer, messages } = await connected();
  peer.pause();
  const frame = "x".repeat(64 * 1024);
  let sent = 0;
  let pending: Promise<void> | undefined;
  while (pending === undefined) {
    const sending = transport.send([frame]);
    sent += 1;
    if (await isHeldBack(sending)) pending = sending;
  }
  expect(sent).toBeGreaterThan(4);
  peer.resume();
  await pending;
  transport.close();
  while (messages.length < sent) await new Promise((resolve) => peer.once("message", resolve));
  expect(messages).toEqual(Array.from({ length: sent }, () => frame));
});

test.each(["peer", "here"])(
  "a pending send rejects when the connection ends (%s)",
  async (side) => {
    const { clock, ws, transport } = stalled();
    const pending = transport.send(["x".repeat(HIGH_WATER_MARK + 1)]);
    if (side === "peer") ws.closed(1006);
    else transport.close("going-away");
    await expect(pending).rejects.toBeInstanceOf(TransportClosedError);
    const reason = side === "peer" ? undefined : "going-away";
    await expect(pending).rejects.toMatchObject({ reason });
    await expect(transport.send(["late"])).rejects.toMatchObject({ reason });
    expect(clock.pending).toBe(0);
  },
);

test.each([
  ["normal", 1000],
  ["going-away", 4001],
  ["refused", 4008],
  ["fault", 4011],
  ["too-big", 4009],
  ["not-text", 4003],
] as const)(
  "R-4.1-11: close(%s) delivers what was sent, then closes with %i",
  async (reason, code) => {
    const { transport, messages, code: seen } = await connected();
    const frames = upTo(100).map((i) => `${i} ${"x".repeat(8_000)}`);
    transport.send(frames).catch(() => {});
    transport.close(reason);
    transport.close("fault");
    expect(await seen).toBe(code);
    expect(messages).toEqual(frames);
    expect(await drained(transport)).toEqual({ frames: [], error: undefined });
    await expect(transport.send(["late"])).rejects.toMatchObject({ reason });
  },
);

test("R-4.1-11: our own server understands the code, and its own reason arrives", async () => {
  const first = await ours();
  first.client.close("refused");
  expect((await drained(first.runtime)).error?.reason).toBe("refused");
  const second = await ours();
  second.runtime.close("refused");
  expect((await drained(second.client)).error?.reason).toBe("refused");
});

test.each([
  [1000, "normal"],
  [undefined, "normal"],
  [1001, "going-away"],
  [1008, "refused"],
  [1011, "fault"],
  [1012, "going-away"],
  [3333, undefined],
] as const)("R-4.1-11: a peer that closes with %s is reported as %s", async (code, reason) => {
  const { transport, peer } = await connected();
  peer.send("last");
  peer.close(code);
  const { frames, error } = await drained(transport);
  expect(frames).toEqual(["last"]);
  if (reason === "normal") expect(error).toBeUndefined();
  else expect(error).toMatchObject({ code: "TRANSPORT_CLOSED", reason });
  await expect(transport.send(["late"])).rejects.toMatchObject({ reason });
});

test("R-4-4: a cut without a close frame breaks the transport, after the frames that were whole", async () => {
  const { transport, peer, socket } = await connected();
  await new Promise<void>((sent) => peer.send("whole", () => sent()));
  expect(await take(transport, 1)).toEqual(["whole"]);
  socket.resetAndDestroy();
  const { frames, error } = await drained(transport);
  expect(frames).toEqual([]);
  expect(error).toMatchObject({ code: "TRANSPORT_CLOSED", reason: undefined });
});

test("a send while the peer is closing rejects with the peer's reason and writes nothing", async () => {
  const { ws, transport } = stalled();
  ws.readyState = 2;
  const late = transport.send(["late"]);
  expect(await isPending(late)).toBe(true);
  ws.closed(1008);
  await expect(late).rejects.toMatchObject({ reason: "refused" });
  expect(ws.bufferedAmount).toBe(0);
});

test("R-4.1-3: a binary message is no envelope: it closes with 1003, and nothing after it counts", async () => {
  const { transport, peer, code } = await connected();
  peer.send("text");
  peer.send(Buffer.from('{"type":"session.hello"}'));
  peer.send("behind");
  const { frames, error } = await drained(transport);
  expect(frames).toEqual(["text"]);
  expect(error).toMatchObject({ code: "TRANSPORT_CLOSED", reason: "not-text" });
  expect(await code).toBe(4003);
});

test("R-4.1-6: a message at the limit passes, one byte more closes with 1009", async () => {
  const { transport, peer, code } = await connected({ maxMessageSize: 1_000 });
  peer.send("é".repeat(500));
  peer.send("x".repeat(1_000));
  peer.send(`${"é".repeat(500)}x`);
  peer.send("behind");
  const { frames, error } = await drained(transport);
  expect(frames).toEqual(["é".repeat(500), "x".repeat(1_000)]);
  expect(error).toMatchObject({ code: "TRANSPORT_CLOSED", reason: "too-big" });
  expect(String(error)).toContain("above maxMessageSize");
  expect(await code).toBe(4009);
});

test("frames after the close are dropped", async () => {
  const { ws, transport } = stalled();
  ws.received("before");
  transport.close();
  ws.received("behind");
  ws.received(new ArrayBuffer(1));
  expect(ws.code).toBe(1000);
  expect(await drained(transport)).toEqual({ frames: ["before"], error: undefined });
});
