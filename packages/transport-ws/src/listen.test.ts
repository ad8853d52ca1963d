import { connect } from "node:net";
import { type Transport, TransportClosedError } from "@arcp/core";
import { afterEach, expect, test } from "vitest";
import { RawPeer } from "../test/http-host.ts";
import { upgradeRequest } from "../test/upgrade-request.ts";
import { dial } from "./dial.ts";
import { listen } from "./listen.ts";

const after: Array<() => unknown> = [];
afterEach(async () => {
  for (const end of after.splice(0).reverse()) await end();
});

const dialled = (url: string): Promise<Transport> => dial(url)(new AbortController().signal);

/** The error that a stream of frames ends with, if any. */
async function endOf(transport: Transport): Promise<unknown> {
  try {
    for await (const _ of transport.frames);
    return undefined;
  } catch (error) {
    return error;
  }
}

test("R-4.1-1, R-4.1-2: listens on loopback at /arcp, and reports its real port", async () => {
  const server = await listen({ port: 0 }, (transport) => transport.send(["hello"]));
  after.push(() => server.close());
  expect(server.url).toMatch(/^ws:\/\/127\.0\.0\.1:[1-9]\d*\/arcp$/);
  const client = await dialled(server.url);
  for await (const frame of client.frames) {
    expect(frame).toBe("hello");
    break;
  }
  const http = server.url.replace("ws:", "http:");
  expect((await fetch(http)).status).toBe(426);
  expect((await fetch(`${http}x`)).status).toBe(404);
  const elsewhere = await dialled(`${server.url}x`).catch((error) => error);
  expect(elsewhere).toMatchObject({ code: "TRANSPORT_CLOSED", reason: "refused" });
});

test("the url of an IPv6 listener can be dialled", async () => {
  const server = await listen({ port: 0, host: "::1", path: "/a" }, () => {});
  after.push(() => server.close());
  expect(server.url).toMatch(/^ws:\/\/\[::1\]:\d+\/a$/);
  (await dialled(server.url)).close();
});

test.each(["0.0.0.0", "::"])(
  "the url of a server that listens everywhere (%s) can be dialled",
  async (host) => {
    const server = await listen({ port: 0, host }, () => {});
    after.push(() => server.close());
    (await dialled(server.url)).close();
  },
);

test("close ends every connection, even sockets that never sent a request, and frees the port", async () => {
  const transports: Transport[] = [];
  const server = await listen({ port: 0 }, (transport) => transports.push(transport));
  const { port } = new URL(server.url);
  const client = await dialled(server.url);
  const idle = connect(Number(port), "127.0.0.1");
  const half = connect(Number(port), "127.0.0.1");
  const ends = [idle, half].map((socket) => {
    socket.on("error", () => {}).resume();
    return new Promise((done) => socket.once("close", done));
  });
  await new Promise<void>((done) => half.write("GET /arcp HTTP/1.1\r\nHost:", () => done()));
  const ended = endOf(client);
  await Promise.all([server.close(), server.close()]);
  expect(await ended).toBeInstanceOf(TransportClosedError);
  expect(await ended).toMatchObject({ reason: "going-away" });
  await Promise.all(ends);
  await expect(dialled(server.url)).rejects.toMatchObject({ code: "TRANSPORT_CLOSED" });
  const again = await listen({ port: Number(port) }, () => {});
  await again.close();
});

test("close does not wait forever for an unresponsive peer", async () => {
  const server = await listen({ port: 0, closeTimeout: 50 }, () => {});
  const { port } = new URL(server.url);
  const deaf = connect(Number(port), "127.0.0.1");
  deaf.on("error", () => {});
  after.push(() => deaf.destroy());
  deaf.write(
    "GET /arcp HTTP/1.1\r\nHost: localhost\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n" +
      "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: MDEyMzQ1Njc4OWFiY2RlZg==\r\n\r\n",
  );
  await new Promise((done) => deaf.once("data", done));
  deaf.pause();
  await server.close();
});

test("await using closes the server", async () => {
  let url: string;
  {
    await using server = await listen({ port: 0 }, () => {});
    url = server.url;
    (await dialled(url)).close();
  }
  await expect(dialled(url)).rejects.toMatchObject({ code: "TRANSPORT_CLOSED" });
});

test("a port in use rejects with the system's error", async () => {
  const server = await listen({ port: 0 }, () => {});
  after.push(() => server.close());
  const port = Number(new URL(server.url).port);
  await expect(listen({ port }, () => {})).rejects.toMatchObject({ code: "EADDRINUSE" });
});

test("a socket that does not ask for an upgrade in time is closed with 408", async () => {
  // Long enough that a machine that stalls for a while does not take a prompt request for a late one.
  const server = await listen({ port: 0, upgradeTimeout: 500, closeTimeout: 50 }, () => {});
  after.push(() => server.close());
  const port = Number(new URL(server.url).port);
  const ready = await RawPeer.open(port, upgradeRequest("/arcp"));
  expect(await ready.status()).toBe(101);
  const half = await RawPeer.open(port, upgradeRequest("/arcp").slice(0, -2));
  expect(await half.status()).toBe(408);
  await half.closed;
  // An upgraded connection has its own deadlines.
  expect(ready.socket.destroyed).toBe(false);
});

test("the upgrade timeout may be any number of milliseconds", async () => {
  const server = await listen({ port: 0, upgradeTimeout: 2_505 }, () => {});
  after.push(() => server.close());
  await dialled(server.url);
});

test.each([
  [{}, /^listen: port must be a whole number from 0 to 65535, not undefined$/],
  [{ port: "7777" }, /^listen: port must be .*, not a string$/],
  [{ port: 65_536 }, /^listen: port must be .*, not 65536$/],
  [
    { port: 0, hots: "::1" },
    /^listen: hots is not one of its options, which are port, host, path, /,
  ],
  [{ port: 0, upgradeTimeout: 0.5 }, /^listen: upgradeTimeout must be a whole number above zero/],
  [() => {}, /^the options are missing: listen\(\{ port: 7777 \}, runtime\.serve\)$/],
])("invalid options reject: %o", async (options, message) => {
  await expect(listen(options as never, () => {})).rejects.toMatchObject({
    code: "MISUSE",
    message: expect.stringMatching(message),
  });
});

test("an instance of a class passes all its options, including those behind accessors", async () => {
  class Own {
    readonly port = 0;
    readonly helper = "of no concern here";
    get path() {
      return "/own";
    }
  }
  const server = await listen(new Own(), () => {});
  after.push(() => server.close());
  await dialled(server.url);
  expect(new URL(server.url).pathname).toBe("/own");
});
