import { createServer, type Server } from "node:http";
import { type AddressInfo, createServer as createTcpServer } from "node:net";
import { TransportClosedError } from "@arcp/core";
import { afterEach, expect, test } from "vitest";
import { type WebSocket as Accepted, WebSocketServer } from "ws";
import { dial } from "./browser.ts";
import { listen } from "./listen.ts";

const after: Array<() => unknown> = [];
afterEach(async () => {
  for (const end of after.splice(0).reverse()) await end();
});

const signal = (): AbortSignal => new AbortController().signal;
const portOf = (server: { address(): unknown }): number => (server.address() as AddressInfo).port;

async function answering(status: number): Promise<string> {
  const server: Server = createServer((_request, response) => response.writeHead(status).end());
  await new Promise<void>((done) => server.listen(0, "127.0.0.1", done));
  after.push(() => server.close());
  return `ws://127.0.0.1:${portOf(server)}/arcp`;
}

test.each(["ws://agents.example/arcp", "ws://10.0.0.1:7777/arcp", "ws://127.0.0.1.evil.example/"])(
  "R-4.1-5: %s is refused unless it is allowed",
  (url) => {
    expect(() => dial(url)).toThrow(expect.objectContaining({ code: "MISUSE" }));
    expect(() => dial(url, { allowInsecure: true })).not.toThrow();
  },
);

test.each(["ws://localhost/arcp", "ws://[::1]:7777/arcp", "wss://agents.example/"])(
  "R-4.1-5: %s needs no permission",
  (url) => {
    expect(() => dial(url)).not.toThrow();
  },
);

test.each(["http://localhost/arcp", "/arcp", "ws://localhost/#part", ""])(
  "%s cannot be dialled and is refused at once",
  (url) => {
    expect(() => dial(url)).toThrow(expect.objectContaining({ code: "MISUSE" }));
  },
);

test.each([
  ["headers", { authorization: "Bearer t" }],
  ["tls", { ca: "" }],
  ["closeTimeout", 100],
  ["allowinsecure", true],
])("%s cannot be honoured and is refused at once", (name, value) => {
  const options = { [name]: value } as object;
  expect(() => dial("ws://localhost/", options)).toThrow(
    expect.objectContaining({ code: "MISUSE", message: expect.stringContaining(`no ${name} `) }),
  );
  expect(() => dial("ws://localhost/", { [name]: undefined } as object)).not.toThrow();
});

test.each([401, 503])("HTTP %i instead of the upgrade is a closed transport", async (status) => {
  const failure = await dial(await answering(status))(signal()).catch((error) => error);
  expect(failure).toBeInstanceOf(TransportClosedError);
  expect(failure).toMatchObject({ reason: undefined, cause: expect.any(Error) });
});

test("an address where nobody listens is a closed transport", async () => {
  const server = createTcpServer();
  await new Promise<void>((done) => server.listen(0, "127.0.0.1", done));
  const port = portOf(server);
  await new Promise((done) => server.close(done));
  const failure = await dial(`ws://127.0.0.1:${port}/arcp`)(signal()).catch((error) => error);
  expect(failure).toBeInstanceOf(TransportClosedError);
  expect(failure).toMatchObject({ reason: undefined, cause: expect.any(Error) });
});

test("an address that the platform does not even try is refused for good", async () => {
  const { WebSocket } = globalThis;
  after.push(() => {
    globalThis.WebSocket = WebSocket;
  });
  const why = new DOMException("mixed content", "SecurityError");
  globalThis.WebSocket = class {
    constructor() {
      throw why;
    }
  } as unknown as typeof WebSocket;
  const failure = await dial("ws://localhost/")(signal()).catch((error) => error);
  expect(failure).toBeInstanceOf(TransportClosedError);
  expect(failure).toMatchObject({ reason: "refused", cause: why });
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

test("R-4.1-4: no sub-protocol is offered, and frames that arrive with the upgrade's response are not lost", async () => {
  const server = createServer();
  const sockets = new WebSocketServer({ server });
  await new Promise<void>((done) => server.listen(0, "127.0.0.1", done));
  after.push(() => server.close());
  const asked = new Promise<Record<string, unknown>>((resolve) => {
    sockets.on("connection", (ws: Accepted, request) => {
      resolve(request.headers);
      ws.send("first, with the answer to the upgrade");
    });
  });
  const transport = await dial(`ws://127.0.0.1:${portOf(server)}/`)(signal());
  expect((await asked)["sec-websocket-protocol"]).toBeUndefined();
  for await (const frame of transport.frames) {
    expect(frame).toContain("first");
    break;
  }
  transport.close();
});
