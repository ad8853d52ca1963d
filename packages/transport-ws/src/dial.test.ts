import { createServer, type Server } from "node:http";
import { type AddressInfo, createServer as createTcpServer } from "node:net";
import { type Transport, TransportClosedError } from "@arcp/core";
import { afterEach, expect, test } from "vitest";
import { WebSocketServer } from "ws";
import { dial as platformDial } from "./browser.ts";
import { dial } from "./dial.ts";
import { listen } from "./listen.ts";

const after: Array<() => unknown> = [];
afterEach(async () => {
  for (const end of after.splice(0).reverse()) await end();
});

const signal = (): AbortSignal => new AbortController().signal;
const portOf = (server: { address(): unknown }): number => (server.address() as AddressInfo).port;

/** The error that a stream of frames ends with, if any. */
async function endOf(transport: Transport): Promise<unknown> {
  try {
    for await (const _ of transport.frames);
    return undefined;
  } catch (error) {
    return error;
  }
}

async function answering(status: number): Promise<string> {
  const server: Server = createServer((_request, response) => response.writeHead(status).end());
  await new Promise<void>((done) => server.listen(0, "127.0.0.1", done));
  after.push(() => server.close());
  return `ws://127.0.0.1:${portOf(server)}/arcp`;
}

test("every option of listen and dial may be undefined", async () => {
  const unset = { maxMessageSize: undefined, closeTimeout: undefined, clock: undefined };
  const rules = {
    host: undefined,
    path: undefined,
    allowedHosts: undefined,
    allowedOrigins: undefined,
  };
  const met = Promise.withResolvers<Transport>();
  const server = await listen({ port: 0, ...unset, ...rules }, met.resolve);
  after.push(() => server.close());
  const options = { ...unset, headers: undefined, tls: undefined, allowInsecure: undefined };
  const near = await dial(server.url, options)(signal());
  await near.send(["hello"]);
  near.close();
  for await (const frame of (await met.promise).frames) expect(frame).toBe("hello");
});

test.each(["ws://agents.example/arcp", "ws://10.0.0.1:7777/arcp", "ws://127.0.0.1.evil.example/"])(
  "R-4.1-5: %s is refused unless it is allowed",
  (url) => {
    expect(() => dial(url)).toThrow(expect.objectContaining({ code: "MISUSE" }));
    expect(() => dial(url, { allowInsecure: true })).not.toThrow();
  },
);

test.each([
  "ws://localhost/arcp",
  "ws://127.9.9.9/",
  "ws://[::1]:7777/arcp",
  "wss://agents.example/",
])("R-4.1-5: %s needs no permission", (url) => {
  expect(() => dial(url)).not.toThrow();
});

test.each([
  ["http://localhost/arcp", "begins with http:"],
  ["localhost:7777/arcp", "begins with localhost:"],
  ["localhost", "is not an absolute URL"],
  ["ws://localhost/#part", "has a fragment"],
  ["", "is not an absolute URL"],
])("%s cannot be dialled and is refused at once, with the reason", (url, why) => {
  const message = expect.stringMatching(new RegExp(`^dial takes a ws: .* ${why}$`));
  expect(() => dial(url)).toThrow(expect.objectContaining({ code: "MISUSE", message }));
});

test.each([
  [401, "refused"],
  [403, "refused"],
  [404, "refused"],
  [408, "going-away"],
  [425, "going-away"],
  [429, "going-away"],
  [503, "going-away"],
  [502, undefined],
  [200, undefined],
])("HTTP %i instead of the upgrade is a closed transport: %s", async (status, reason) => {
  const failure = await dial(await answering(status))(signal()).catch((error) => error);
  expect(failure).toBeInstanceOf(TransportClosedError);
  expect(failure.reason).toBe(reason);
  expect(failure.cause.message).toBe(`the server answered HTTP ${status} for /arcp`);
});

test("an address where nobody listens is a closed transport", async () => {
  const server = createTcpServer();
  await new Promise<void>((done) => server.listen(0, "127.0.0.1", done));
  const port = portOf(server);
  await new Promise((done) => server.close(done));
  const failure = await dial(`ws://127.0.0.1:${port}/arcp`)(signal()).catch((error) => error);
  expect(failure).toBeInstanceOf(TransportClosedError);
  expect(failure.cause.code).toBe("ECONNREFUSED");
});

test("an abort ends the attempt with the signal's reason, before it starts and while it waits", async () => {
  const silent = createTcpServer();
  const caught = new Promise<{ closed: Promise<unknown> }>((resolve) => {
    silent.once("connection", (socket) => {
      socket.on("error", () => {}).resume();
      resolve({ closed: new Promise((done) => socket.once("close", done)) });
    });
  });
  await new Promise<void>((done) => silent.listen(0, "127.0.0.1", done));
  after.push(() => silent.close());
  const open = dial(`ws://127.0.0.1:${portOf(silent)}/arcp`);
  const why = new Error("enough");
  await expect(open(AbortSignal.abort(why))).rejects.toBe(why);
  const controller = new AbortController();
  const attempt = open(controller.signal);
  const { closed } = await caught;
  controller.abort(why);
  await expect(attempt).rejects.toBe(why);
  await closed;
});

test("an abort after the connection opened does not affect it", async () => {
  const server = await listen({ port: 0 }, (transport) => transport.send(["hello"]));
  after.push(() => server.close());
  const controller = new AbortController();
  const transport = await dial(server.url)(controller.signal);
  controller.abort();
  for await (const frame of transport.frames) {
    expect(frame).toBe("hello");
    break;
  }
  await transport.send(["still open"]);
  transport.close();
});

test("R-4.1-4: no sub-protocol and no compression are offered; headers are sent", async () => {
  const server = createServer();
  const sockets = new WebSocketServer({ server });
  await new Promise<void>((done) => server.listen(0, "127.0.0.1", done));
  after.push(() => server.close());
  const asked = new Promise<Record<string, unknown>>((resolve) => {
    sockets.on("connection", (ws, request) => {
      resolve(request.headers);
      ws.send("first, with the answer to the upgrade");
    });
  });
  const transport = await dial(`ws://127.0.0.1:${portOf(server)}/`, {
    headers: { "x-route": "blue" },
  })(signal());
  const headers = await asked;
  expect(headers["x-route"]).toBe("blue");
  expect(headers["sec-websocket-protocol"]).toBeUndefined();
  expect(headers["sec-websocket-extensions"]).toBeUndefined();
  for await (const frame of transport.frames) {
    expect(frame).toContain("first");
    break;
  }
  transport.close();
});

test("R-4.1-6: a message above the client's limit closes with 1009", async () => {
  const server = createServer();
  const sockets = new WebSocketServer({ server });
  await new Promise<void>((done) => server.listen(0, "127.0.0.1", done));
  after.push(() => server.close());
  const code = new Promise<number>((resolve) => {
    sockets.on("connection", (ws) => {
      ws.on("close", resolve);
      ws.send("x".repeat(1_001));
    });
  });
  const open = dial(`ws://127.0.0.1:${portOf(server)}/`, { maxMessageSize: 1_000 });
  const transport = await open(signal());
  const failure = await endOf(transport);
  expect(failure).toMatchObject({ code: "TRANSPORT_CLOSED", reason: "too-big" });
  expect(await code).toBe(1009);
});

test.each([
  ["on Node", dial],
  ["on the platform's WebSocket", platformDial],
])("R-4.1-6: %s a client's limit is 16 MiB by default", async (_, open) => {
  const limit = 16 * 1024 * 1024;
  const met = Promise.withResolvers<Transport>();
  const server = await listen({ port: 0 }, met.resolve);
  after.push(() => server.close());
  const transport = await open(server.url)(signal());
  const runtime = await met.promise;
  const frames = transport.frames[Symbol.asyncIterator]();
  runtime.send(["x".repeat(limit)]).catch(() => {});
  expect((await frames.next()).value).toHaveLength(limit);
  runtime.send(["x".repeat(limit + 1)]).catch(() => {});
  await expect(frames.next()).rejects.toMatchObject({ reason: "too-big" });
  expect(await endOf(runtime)).toMatchObject({ reason: "too-big" });
});

test.each([
  [{ allowInsecure: "false" }, /^dial: allowInsecure must be true or false, not a string$/],
  [{ maxMessageSize: 0 }, /^dial: maxMessageSize must be a number above zero, not 0$/],
  [{ headers: new Headers() }, /^dial: headers must be an object with a value for each name/],
  [{ header: {} }, /^dial: header is not one of its options, which are allowInsecure, /],
  [{ token: "secret" }, /^dial: token is not one of its options/],
])("an invalid option of a dial is refused at once: %o", (options, message) => {
  expect(() => dial("ws://agents.example/arcp", options as never)).toThrow(
    expect.objectContaining({ code: "MISUSE", message: expect.stringMatching(message) }),
  );
});
