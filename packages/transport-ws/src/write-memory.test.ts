import { once } from "node:events";
import { type AddressInfo, connect, createServer, Socket } from "node:net";
import { Duplex } from "node:stream";
import { type EncodedText, type Frame, frameText } from "@arcp/core";
import { expect, test } from "vitest";
import { serverWriter } from "./frame-writer.ts";
import { joinTextMessages } from "./framing.ts";
import { WriteMemory } from "./write-memory.ts";

/** What a connection would write for one long frame. */
function framed(frame: string): { readonly blocks: WriteMemory; readonly message: Buffer } {
  const blocks = new WriteMemory();
  const [message] = joinTextMessages([frame], blocks);
  if (!Buffer.isBuffer(message)) throw new Error("no buffer");
  return { blocks, message };
}

/** The blocks that they lie in. A frame that fits into none has a buffer of its own. */
function blocksOf(all: ReadonlyArray<{ readonly message: Buffer }>): Set<ArrayBufferLike> {
  const memory = all.map(({ message }) => message.buffer);
  return new Set(memory.filter(({ byteLength }) => byteLength === 512 * 1024));
}

const isWhole = ({ message }: { readonly message: Buffer }, char: string): boolean =>
  message.subarray(4).toString() === char.repeat(20_000);

test("a write does not overwrite what has not been released", () => {
  const first = framed("a".repeat(20_000));
  const second = framed("b".repeat(20_000));
  expect(isWhole(first, "a") && isWhole(second, "b")).toBe(true);
  for (const { blocks } of [first, second]) blocks.release();
});

test("R-4.1-1: a long frame beyond ASCII stays whole, even after others that leave little room", () => {
  const ascii = "x".repeat(100_000);
  const wide = "€".repeat(120_000);
  const blocks = new WriteMemory();
  const last = joinTextMessages([ascii, ascii, wide], blocks).at(-1);
  expect(last?.slice(10).toString() === wide).toBe(true);
  blocks.release();
});

test("memory is reused once every message in it has been released", () => {
  const [first, second] = [framed("a".repeat(20_000)), framed("b".repeat(20_000))];
  expect(second.message.buffer).toBe(first.message.buffer);
  second.blocks.release();
  const third = framed("c".repeat(20_000));
  expect(isWhole(first, "a")).toBe(true);
  for (const { blocks } of [first, third]) blocks.release();
  expect(third.blocks.empty).toBe(true);
  const fourth = framed("d".repeat(20_000));
  expect(fourth.message.buffer).toBe(first.message.buffer);
  expect(fourth.message.byteOffset).toBe(first.message.byteOffset);
  fourth.blocks.release();
});

test("however many connections do not read, together they hold at most eight blocks", () => {
  const chars = [..."abcdefgh"];
  const all = Array.from({ length: 400 }, (_, i) => framed((chars[i % 8] ?? "").repeat(20_000)));
  const shared = blocksOf(all);
  expect(shared.size).toBe(8);
  expect(all.every((one, i) => isWhole(one, chars[i % 8] ?? ""))).toBe(true);
  for (const { blocks } of all) blocks.release();
  const next = framed("x".repeat(20_000));
  expect(shared.has(next.message.buffer)).toBe(true);
  next.blocks.release();
});

test("a long message for each of many connections takes a few blocks", () => {
  const all = Array.from({ length: 50 }, () => framed("a".repeat(20_000)));
  expect(blocksOf(all).size).toBeLessThan(4);
  for (const { blocks } of all) blocks.release();
});

test("abandoned memory is never reused, and new blocks take its place", () => {
  const neighbour = framed("b".repeat(20_000));
  const all = Array.from({ length: 400 }, () => framed("a".repeat(20_000)));
  const lost = blocksOf(all);
  for (const { blocks } of all) blocks.abandon();
  neighbour.blocks.release();
  const next = Array.from({ length: 400 }, () => framed("c".repeat(20_000)));
  expect(blocksOf(next).size).toBe(8);
  expect([...blocksOf(next)].some((block) => lost.has(block))).toBe(false);
  for (const { blocks } of next) blocks.release();
});

test("R-4.1-1: long frames reach a slow reader whole, however many writes go out meanwhile", async () => {
  const server = createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const peer = connect((server.address() as AddressInfo).port, "127.0.0.1");
  const [socket] = (await once(server, "connection")) as [Socket];
  const write = serverWriter(socket);
  let sent = 0;
  let taken = 0;
  const expected: Uint8Array[] = [];
  const say = (frames: readonly string[]): void => {
    for (const message of joinTextMessages(frames)) {
      expected.push(typeof message === "string" ? Buffer.from(message, "latin1") : message);
    }
    sent += 1;
    write(frames, () => (taken += 1));
  };
  // Nobody reads yet, so most of it waits in the process.
  for (let i = 0; i < 60; i++) {
    say([
      `${i}${"x".repeat(70_000 + i)}`,
      "short",
      `${i}${"é".repeat(30_000)}`,
      "\ud800".repeat(17_000),
    ]);
    if (i % 10 === 0) await new Promise(setImmediate);
  }
  const received: Buffer[] = [];
  peer.on("data", (data: Buffer) => {
    received.push(data);
    // What was taken already may be overwritten now.
    if (received.length < 40) say([`${received.length}${"y".repeat(90_000)}`]);
    if (received.length === 40) socket.end();
  });
  await once(peer, "end");
  expect(Buffer.concat(received).equals(Buffer.concat(expected))).toBe(true);
  expect(taken).toBeGreaterThanOrEqual(sent);
  server.close();
});

/** A text that is overwritten as soon as it is released. */
function passing(text: string): EncodedText & { readonly isHeld: boolean } {
  const bytes = Buffer.from(text);
  let isHeld = false;
  return {
    size: bytes.length,
    get isHeld() {
      return isHeld;
    },
    hold() {
      isHeld = true;
      const letGo = (): void => {
        isHeld = false;
        bytes.fill("#");
      };
      return { bytes, letGo };
    },
    toString: () => text,
  };
}

test("R-4.1-1: encoded texts are held until a slow reader has them, and then released", async () => {
  const server = createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const peer = connect((server.address() as AddressInfo).port, "127.0.0.1");
  const [socket] = (await once(server, "connection")) as [Socket];
  const write = serverWriter(socket);
  const texts = Array.from({ length: 300 }, (_, i) => passing(`${i}${"x".repeat(70_000)}`));
  const expected: Uint8Array[] = [];
  for (const [i, text] of texts.entries()) {
    const frames: Frame[] = [`short ${i}`, [`head ${i}`, text]];
    for (const piece of joinTextMessages(frames.map(frameText))) {
      expected.push(typeof piece === "string" ? Buffer.from(piece, "latin1") : piece);
    }
    write(frames, () => {});
  }
  const isHeld = (): boolean[] => texts.map((text) => text.isHeld);
  // Nobody has read: the system took the first few, and most still wait.
  expect(isHeld()).toEqual(isHeld().toSorted());
  expect(isHeld().filter(Boolean).length).toBeGreaterThan(100);
  const received: Buffer[] = [];
  peer.on("data", (data: Buffer) => received.push(data));
  socket.end();
  await once(peer, "end");
  expect(Buffer.concat(received).equals(Buffer.concat(expected))).toBe(true);
  expect(isHeld()).not.toContain(true);
  server.close();
});

test("an encoded text that a broken connection was to write is held for good", async () => {
  class Broken extends Socket {
    override _writev(_: unknown, failed: (error: Error) => void): void {
      setImmediate(failed, new Error("broken"));
    }
  }
  const text = passing("x");
  const told = Promise.withResolvers<void>();
  const socket = new Broken();
  socket.on("error", () => {});
  serverWriter(socket)([["head", text]], () => told.resolve());
  await told.promise;
  await new Promise(setImmediate);
  expect(text.isHeld).toBe(true);
});

test("the bytes given to a stream that is not a socket are never overwritten", async () => {
  const given: Buffer[] = [];
  const stream = new Duplex({
    read() {},
    write(chunk: Buffer, _encoding, done) {
      given.push(chunk);
      done();
    },
  });
  const write = serverWriter(stream);
  await new Promise<void>((resolve) => write(["a".repeat(20_000)], () => resolve()));
  write(["b".repeat(20_000)], () => {});
  expect(given.map((chunk) => String.fromCharCode(chunk[10] ?? 0))).toEqual(["a", "b"]);
});
