import { once } from "node:events";
import { type AddressInfo, connect, createServer, type Socket } from "node:net";
import { Duplex } from "node:stream";
import { expect, test } from "vitest";
import { serverWriter } from "./frame-writer.ts";
import { joinTextMessages } from "./framing.ts";
import { MessageBlocks } from "./message-block.ts";

test("what is written next leaves alone what was not released", () => {
  const first = joinTextMessages(["a".repeat(20_000)], new MessageBlocks());
  const before = Buffer.concat(first.map((write) => Buffer.from(write)));
  joinTextMessages(["b".repeat(20_000)], new MessageBlocks());
  expect(Buffer.concat(first.map((write) => Buffer.from(write))).equals(before)).toBe(true);
});

test("R-4.1-1: a long frame beyond ASCII is whole, also behind others that leave little room", () => {
  const ascii = "x".repeat(100_000);
  const wide = "€".repeat(120_000);
  const last = joinTextMessages([ascii, ascii, wide]).at(-1);
  expect(last?.slice(10).toString() === wide).toBe(true);
});

test("released memory is written again", () => {
  const blocks = new MessageBlocks();
  const [first] = joinTextMessages(["a".repeat(20_000)], blocks);
  expect(blocks.empty).toBe(false);
  blocks.release();
  expect(blocks.empty).toBe(true);
  const [second] = joinTextMessages(["b".repeat(20_000)], new MessageBlocks());
  if (typeof first === "string" || typeof second === "string") throw new Error("no buffers");
  expect(second?.buffer).toBe(first?.buffer);
});

test("R-4.1-1: long frames reach a slow reader whole, however many writes go out meanwhile", async () => {
  const server = createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const peer = connect((server.address() as AddressInfo).port, "127.0.0.1");
  const [socket] = (await once(server, "connection")) as [Socket];
  const write = serverWriter(socket);
  let sent = 0;
  let taken = 0;
  const expected: Buffer[] = [];
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
    // What was taken already may be written over now.
    if (received.length < 40) say([`${received.length}${"y".repeat(90_000)}`]);
    if (received.length === 40) socket.end();
  });
  await once(peer, "end");
  expect(Buffer.concat(received).equals(Buffer.concat(expected))).toBe(true);
  expect(taken).toBeGreaterThanOrEqual(sent);
  server.close();
});

test("what a stream that is no socket was given is left alone", async () => {
  const given: Buffer[] = [];
  const stream = new Duplex({
    read() {},
    write(chunk: Buffer, _encoding, done) {
      given.push(chunk);
      done();
    },
  });
  const write = serverWriter(stream);
  await new Promise<void>((resolve) => write(["a".repeat(20_000)], resolve));
  write(["b".repeat(20_000)], () => {});
  expect(given.map((chunk) => String.fromCharCode(chunk[10] ?? 0))).toEqual(["a", "b"]);
});
