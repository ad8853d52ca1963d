import { once } from "node:events";
import { type AddressInfo, Socket } from "node:net";
import { Duplex } from "node:stream";
import { expect, test, vi } from "vitest";
import { WebSocket, WebSocketServer } from "ws";
import { clientWriter, serverWriter } from "./frame-writer.ts";
import { joinTextMessages } from "./framing.ts";
import { WriteMemory } from "./write-memory.ts";

test("what a client sends in one turn of the event loop leaves in one write, in order", async () => {
  const server = new WebSocketServer({ port: 0, host: "127.0.0.1" });
  const messages: string[] = [];
  const whole = Promise.withResolvers<void>();
  server.on("connection", (peer) => {
    peer.on("message", (data) => {
      messages.push(data.toString());
      if (messages.length === 5) whole.resolve();
    });
  });
  await once(server, "listening");
  const ws = new WebSocket(`ws://127.0.0.1:${(server.address() as AddressInfo).port}`);
  const upgraded = once(ws, "upgrade") as Promise<[{ readonly socket: Socket }]>;
  await once(ws, "open");
  const [{ socket }] = await upgraded;
  const writes = [vi.spyOn(socket, "_write"), vi.spyOn(socket, "_writev")];
  const count = (): number => writes.reduce((sum, { mock }) => sum + mock.calls.length, 0);

  const write = clientWriter(ws, socket);
  const written = vi.fn();
  write(["a", "b"], written);
  for (const frame of ["c", "d"]) {
    await Promise.resolve();
    write([frame], written);
  }
  await new Promise(setImmediate);
  expect(count()).toBe(1);
  write(["e"], written);
  await whole.promise;
  expect(count()).toBe(2);
  expect(messages).toEqual(["a", "b", "c", "d", "e"]);
  expect(written).toHaveBeenCalledTimes(5);
  ws.terminate();
  server.close();
});

test.each([true, false])("over TLS, everything is written as bytes: %j", (encrypted) => {
  const chunks: unknown[] = [];
  const socket = new Duplex({
    decodeStrings: false,
    write(chunk, _encoding, done) {
      chunks.push(chunk);
      done();
    },
  });
  const write = serverWriter(Object.assign(socket, { encrypted }));
  const sent = ["short", "x".repeat(20_000), "é"];
  write(sent, () => {});
  const written = chunks.map((chunk) =>
    typeof chunk === "string" ? Buffer.from(chunk, "latin1") : (chunk as Buffer),
  );
  const expected = joinTextMessages(sent).map((piece) => Buffer.from(piece as string, "latin1"));
  expect(Buffer.concat(written)).toEqual(Buffer.concat(expected));
  expect(chunks.map((chunk) => typeof chunk === "string")).toEqual(
    encrypted ? [false, false, false] : [true, false, true],
  );
});

test("a burst that the system takes at once needs one block, whatever its size", () => {
  class Quick extends Socket {
    override _write(_: unknown, __: unknown, taken: () => void): void {
      taken();
    }
  }
  const room = vi.spyOn(WriteMemory.prototype, "room");
  const write = serverWriter(new Quick());
  for (let i = 0; i < 300; i++) write(["x".repeat(64 * 1024)], () => {});
  expect(room).toHaveBeenCalledTimes(300);
  const memory = new Set(
    room.mock.results.map(({ value }) => (value as Buffer | undefined)?.buffer),
  );
  expect(memory.size).toBe(1);
  expect(memory).not.toContain(undefined);
});
