import { once } from "node:events";
import { mkdtemp, rm } from "node:fs/promises";
import { connect, createServer, type Server, type Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import {
  missing,
  type OpenConnection,
  type OpenTransport,
  transportContract,
} from "@arcp/conformance/transport";
import { TransportClosedError } from "@arcp/core";
import { afterAll, describe, expect, test } from "vitest";
import { dialUnix, unixTransport } from "./unix-socket.ts";

const directory = await mkdtemp(join(tmpdir(), "arcp-own-"));
const path = join(directory, "contract.sock");
const dialled = join(directory, "dialled.sock");
const server = await listening(path);
// Clients that dial it get no answer.
const other = await listening(dialled);
other.on("connection", (socket: Socket) => void unixTransport(socket));
afterAll(async () => {
  server.close();
  other.close();
  await rm(directory, { recursive: true });
});

interface Sockets extends OpenConnection {
  readonly sockets: readonly [near: Socket, far: Socket];
}

const unixSocket: OpenTransport<Sockets> = {
  async open() {
    const near = connect(path);
    const [[far]] = (await Promise.all([once(server, "connection"), once(near, "connect")])) as [
      [Socket],
      unknown,
    ];
    return { client: unixTransport(near), runtime: unixTransport(far), sockets: [near, far] };
  },
  sever({ sockets }) {
    for (const socket of sockets) socket.destroy();
  },
  reasons: true,
  dial: dialUnix(dialled),
};

describe("the transport contract over a Unix socket", () => {
  test.each(transportContract)("$name", (transportCase) => transportCase.run(unixSocket));

  test("none of it is skipped", () => {
    expect(transportContract.flatMap((one) => missing(one, unixSocket))).toEqual([]);
  });
});

test("a peer that dies in the middle of a line breaks the connection", async () => {
  const { client, sockets } = await unixSocket.open();
  sockets[1].end('{"whole":1}\n{"half');
  const frames = client.frames[Symbol.asyncIterator]();
  expect((await frames.next()).value).toBe('{"whole":1}');
  await expect(frames.next()).rejects.toMatchObject({
    code: "TRANSPORT_CLOSED",
    reason: undefined,
  });
});

test("R-4.1-6: a line without an end is not collected", async () => {
  const { client, runtime, sockets } = await unixSocket.open();
  const read = async (): Promise<void> => {
    for await (const _ of client.frames) expect.fail("there was no frame");
  };
  const told = once(sockets[1], "end");
  sockets[1].write("x".repeat(5 * 1024 * 1024));
  await expect(read()).rejects.toMatchObject({ reason: "too-big" });
  await told;
  await expect(runtime.send(["late"])).rejects.toBeInstanceOf(TransportClosedError);
});

test("a dial where nobody listens reports a broken connection", async () => {
  const dial = dialUnix(join(directory, "nobody.sock"));
  await expect(dial(new AbortController().signal)).rejects.toMatchObject({
    code: "TRANSPORT_CLOSED",
    cause: { code: "ENOENT" },
  });
});

async function listening(at: string): Promise<Server> {
  const listener = createServer().listen(at);
  await once(listener, "listening");
  return listener;
}
