import { once } from "node:events";
import { createServer, connect as dialSocket } from "node:net";
import { PassThrough, Readable, Writable } from "node:stream";
import { setImmediate as turn } from "node:timers/promises";
import { HIGH_WATER_MARK, ManualClock, type Transport, TransportClosedError } from "@arcp/core";
import { describe, expect, test } from "vitest";
import { streamTransport } from "./index.ts";

function pair(clock = new ManualClock()) {
  const [up, down] = [new PassThrough(), new PassThrough()];
  const client = streamTransport(down, up, { clock });
  const runtime = streamTransport(up, down, { clock });
  return { client, runtime, up, down, clock };
}

async function all(transport: Transport): Promise<string[]> {
  const frames: string[] = [];
  for await (const frame of transport.frames) frames.push(frame);
  return frames;
}

async function settled(): Promise<void> {
  for (let i = 0; i < 20; i++) await turn();
}

describe("frames", () => {
  test("R-4-1: arrive in order in both directions, each as one line, in one write", async () => {
    const { client, runtime, up } = pair();
    const writes: string[] = [];
    up.prependListener("data", (chunk) => writes.push(String(chunk)));
    await client.send(["{1}", '{"two":"☃"}']);
    await client.send([]);
    await runtime.send(["{3}"]);
    client.close();
    expect(await all(runtime)).toEqual(["{1}", '{"two":"☃"}']);
    expect(await all(client)).toEqual(["{3}"]);
    expect(writes).toEqual(['{1}\n{"two":"☃"}\n']);
  });

  test("R-4.2-1, R-4.2-3: one that would not arrive as one line is refused, and so is its whole batch", async () => {
    const { client, runtime } = pair();
    for (const frame of ["", "{\n}", "{}\n"]) {
      await expect(client.send(["{1}", frame])).rejects.toMatchObject({ code: "MISUSE" });
    }
    await client.send(["{2}"]);
    client.close();
    expect(await all(runtime)).toEqual(["{2}"]);
  });
});

describe("back-pressure", () => {
  test("R-4.1-10: a send stays pending above the high-water mark, and resolves once the stream drains", async () => {
    const taken: (() => void)[] = [];
    const slow = new Writable({ write: (_chunk, _encoding, done) => void taken.push(done) });
    const transport = streamTransport(new PassThrough(), slow);
    await transport.send(["x".repeat(HIGH_WATER_MARK / 2)]);
    let sent = false;
    const pending = transport.send(["x".repeat(HIGH_WATER_MARK)]).then(() => {
      sent = true;
    });
    await settled();
    expect(sent).toBe(false);
    taken.shift()?.();
    await settled();
    expect(sent).toBe(false);
    taken.shift()?.();
    await pending;
    transport.close();
  });

  test("R-4.1-10: a slow reader pauses its source, and nothing is lost", async () => {
    const { client, runtime, up } = pair();
    const frame = `"${"x".repeat(1000)}"`;
    let sent = 0;
    const sending = (async () => {
      for (; sent < 5000; sent += 10) await client.send(Array(10).fill(frame));
      client.close();
    })();
    await settled();
    expect(up.isPaused()).toBe(true);
    expect(sent * 1000).toBeLessThan(4 * HIGH_WATER_MARK);
    expect(await all(runtime)).toHaveLength(5000);
    await sending;
  });
});

describe("ends", () => {
  test("close delivers what was sent, ends the peer in good order, and leaves no timer", async () => {
    const { client, runtime, up, down, clock } = pair();
    void client.send(["{1}"]);
    client.close();
    client.close("fault");
    expect(await all(runtime)).toEqual(["{1}"]);
    expect(await all(client)).toEqual([]);
    await settled();
    expect([up.destroyed, down.destroyed]).toEqual([true, true]);
    expect(clock.pending).toBe(0);
    await expect(client.send(["{2}"])).rejects.toMatchObject({ reason: "normal" });
    await expect(runtime.send(["{2}"])).rejects.toThrow(TransportClosedError);
  });

  test("a peer that does not leave is dropped after the close timeout", async () => {
    const clock = new ManualClock();
    const [readable, stuck] = [new PassThrough(), new Writable({ write: () => {} })];
    const transport = streamTransport(readable, stuck, { clock, closeTimeout: 100 });
    void transport.send(["{1}"]).catch(() => {});
    transport.close();
    clock.advance(99);
    expect([readable.destroyed, stuck.destroyed]).toEqual([false, false]);
    clock.advance(1);
    expect([readable.destroyed, stuck.destroyed]).toEqual([true, true]);
    await settled();
    expect(clock.pending).toBe(0);
  });

  test("close rejects a pending send", async () => {
    const transport = streamTransport(new PassThrough(), new Writable({ write: () => {} }));
    const pending = transport.send(["x".repeat(2 * HIGH_WATER_MARK)]);
    transport.close("going-away");
    await expect(pending).rejects.toMatchObject({ reason: "going-away" });
  });

  test("frames before the end are read first, and an end within a line is not in good order", async () => {
    const readable = Readable.from([Buffer.from("{1}\n{2}\n{3")], { objectMode: false });
    const transport = streamTransport(readable, new PassThrough());
    const frames: string[] = [];
    const reading = (async () => {
      for await (const frame of transport.frames) frames.push(frame);
    })();
    await expect(reading).rejects.toThrow("the connection broke: it ended in the middle of a line");
    expect(frames).toEqual(["{1}", "{2}"]);
  });

  test("R-4-4: a stream that breaks breaks the connection, and says why", async () => {
    const { runtime, up } = pair();
    up.destroy(new Error("pulled out"));
    await expect(all(runtime)).rejects.toThrow("the connection broke: pulled out");
    await expect(runtime.send(["{}"])).rejects.toThrow(TransportClosedError);
  });

  test("a peer that stops reading is heard to its end; sends are refused with the reason it ends with", async () => {
    const clock = new ManualClock();
    const readable = new PassThrough();
    const broken = new Writable({ write: (_c, _e, done) => done(new Error("EPIPE")) });
    const transport = streamTransport(readable, broken, { clock });
    const refused = expect(
      transport.send(["{}"]).then(() => transport.send(["{}"])),
    ).rejects.toThrow(TransportClosedError);
    await settled();
    readable.end('{"last":"words"}\n');
    expect(await all(transport)).toEqual(['{"last":"words"}']);
    await refused;
    await settled();
    expect(clock.pending).toBe(0);
  });

  test("a peer that stops reading and does not end is dropped after a while", async () => {
    const clock = new ManualClock();
    const broken = new Writable({ write: (_c, _e, done) => done(new Error("EPIPE")) });
    const readable = new PassThrough();
    const transport = streamTransport(readable, broken, { clock, closeTimeout: 100 });
    await transport.send(["{}"]);
    const read = expect(all(transport)).rejects.toThrow("the connection broke: EPIPE");
    await settled();
    clock.advance(100);
    await read;
    await settled();
    clock.advance(100);
    await settled();
    expect(readable.destroyed).toBe(true);
    expect(clock.pending).toBe(0);
  });
});

test("a socket is a pair of streams, and the last frames arrive although the peer keeps sending", async () => {
  const server = createServer({ allowHalfOpen: true }).listen(0, "127.0.0.1");
  await once(server, "listening");
  const address = server.address() as { port: number };
  const [[accepted], dialled] = await Promise.all([
    once(server, "connection"),
    dialSocket({ port: address.port, allowHalfOpen: true }),
  ]);
  const runtime = streamTransport(accepted, accepted);
  const client = streamTransport(dialled, dialled);
  void client.send(Array(1000).fill(`"${"x".repeat(500)}"`)).catch(() => {});
  void runtime.send(['{"last":"words"}']);
  runtime.close();
  expect(await all(client)).toEqual(['{"last":"words"}']);
  await Promise.all([accepted, dialled].map((socket) => socket.closed || once(socket, "close")));
  server.close();
});

test.each([
  [{ maxMessageSize: "4" }, "streamTransport: maxMessageSize must be a number above zero"],
  [{ closeTimeOut: 5 }, "streamTransport: closeTimeOut is not one of its options"],
])("an invalid option for a pair of streams is refused at once: %o", (options, message) => {
  const [up, down] = [new PassThrough(), new PassThrough()];
  expect(() => streamTransport(down, up, options as never)).toThrow(message);
});
