import { once } from "node:events";
import { createServer, type IncomingMessage, request, type Server } from "node:http";
import type { Duplex } from "node:stream";
import { text } from "node:stream/consumers";
import { setImmediate } from "node:timers/promises";
import { ManualClock, type Transport } from "@arcp/core";
import { expect, test } from "vitest";
import { WebSocket, WebSocketServer } from "ws";
import { afterwards, RawPeer, started } from "../test/http-host.ts";
import { upgradeRequest } from "../test/upgrade-request.ts";
import { type AttachOptions, attach } from "./attach.ts";
import { dial } from "./dial.ts";

const echo = async (transport: Transport): Promise<void> => {
  for await (const frame of transport.frames) await transport.send([frame]);
};

function attached(server: Server, options: AttachOptions = {}) {
  const attachment = attach(server, options, echo);
  afterwards(() => attachment.close());
  return attachment;
}

/** What an echo over a transport returns. */
async function echoed(port: number, path: string, frame: string): Promise<string | undefined> {
  const transport = await dial(`ws://127.0.0.1:${port}${path}`)(new AbortController().signal);
  await transport.send([frame]);
  for await (const answer of transport.frames) {
    transport.close();
    return answer;
  }
  return undefined;
}

/** The first message of a foreign WebSocket server. */
async function greeting(port: number, path: string): Promise<string> {
  const ws = new WebSocket(`ws://127.0.0.1:${port}${path}`);
  afterwards(() => ws.terminate());
  const [message] = await once(ws, "message");
  return String(message);
}

/** An upgrade handler that acts by path, and collects the sockets that it got. */
function foreign(server: Server, routes: Record<string, (socket: Duplex) => unknown>) {
  const seen: Array<{ url: string | undefined; socket: Duplex }> = [];
  server.on("upgrade", (request: IncomingMessage, socket: Duplex) => {
    seen.push({ url: request.url, socket });
    routes[request.url ?? ""]?.(socket);
  });
  return seen;
}

/** The uncaught errors of the process while `act` runs. */
async function uncaught(act: () => Promise<unknown>): Promise<unknown[]> {
  const before = process.listeners("uncaughtException");
  process.removeAllListeners("uncaughtException");
  const errors: unknown[] = [];
  process.on("uncaughtException", (error) => errors.push(error));
  try {
    await act();
  } finally {
    process.removeAllListeners("uncaughtException");
    for (const listener of before) process.on("uncaughtException", listener);
  }
  return errors;
}

test("several attachments share a server, each at its path", async () => {
  const server = createServer();
  const first = attached(server, { path: "/one" });
  attached(server, { path: "/two" });
  const port = await started(server);
  expect(await echoed(port, "/one", "1")).toBe("1");
  expect(await echoed(port, "/two", "2")).toBe("2");
  const other = await RawPeer.open(port, upgradeRequest("/three"));
  expect(await other.status()).toBe(404);
  await other.closed;
  expect(() => attach(server, { path: "/two" }, echo)).toThrow("already has an endpoint at /two");

  await first.close();
  expect(await echoed(port, "/two", "still")).toBe("still");
  expect(await (await RawPeer.open(port, upgradeRequest("/one"))).status()).toBe(404);
  attached(server, { path: "/one" });
  expect(await echoed(port, "/one", "again")).toBe("again");
});

test.each(["before", "after"])(
  "a handler that answers every path, added %s, gets none of our paths and all the others",
  async (order) => {
    const server = createServer();
    const add = (): void => {
      // With `server`, ws answers 400 on every path but its own.
      const chat = new WebSocketServer({ server, path: "/chat" });
      chat.on("connection", (ws) => ws.send("chat"));
      afterwards(() => chat.close());
    };
    if (order === "before") add();
    attached(server);
    if (order === "after") add();
    const port = await started(server);
    expect(await echoed(port, "/arcp", "ping")).toBe("ping");
    expect(await greeting(port, "/chat")).toBe("chat");
    expect(await (await RawPeer.open(port, upgradeRequest("/other"))).status()).toBe(400);
    expect(await (await RawPeer.open(port, upgradeRequest("/arcp"))).status()).toBe(101);
  },
);

test("R-4.1-2: an upgrade that none of several handlers takes gets 404, once they had their time", async () => {
  const clock = new ManualClock();
  const server = createServer();
  const seen = foreign(server, {
    // It learns of its end, and does nothing about it.
    "/heard": (socket) => socket.on("error", () => {}).once("close", () => {}),
  });
  attached(server, { path: "/quick", clock, upgradeTimeout: 1_000 });
  attached(server, { path: "/patient", clock, upgradeTimeout: 3_000 });
  const port = await started(server);
  const peers = [
    await RawPeer.open(port, upgradeRequest("/nobody")),
    await RawPeer.open(port, upgradeRequest("/heard")),
  ];
  await expect.poll(() => seen.length).toBe(2);
  clock.advance(2_999);
  await setImmediate();
  expect(peers.map(({ received }) => received)).toEqual(["", ""]);
  clock.advance(1);
  for (const peer of peers) {
    expect(await peer.status()).toBe(404);
    await peer.closed;
  }
  expect(clock.pending).toBe(0);
});

test("a handler that answers late is left alone, whatever it does until then", async () => {
  const clock = new ManualClock();
  const site = (_request: IncomingMessage, response: { end(text: string): void }) =>
    response.end("site");
  const server = createServer(site);
  const seen = foreign(server, {
    "/reads": (socket) => socket.on("data", () => {}),
    "/paused": (socket) => socket.pause(),
    "/answered": (socket) => socket.write("HTTP/1.1 101 Switching Protocols\r\n\r\n"),
    "/ended": (socket) => socket.end("HTTP/1.1 401 Unauthorized\r\n\r\n"),
  });
  attached(server, { clock });
  const port = await started(server);
  const paths = ["/reads", "/paused", "/answered", "/ended"];
  const peers = await Promise.all(paths.map((path) => RawPeer.open(port, upgradeRequest(path))));
  await expect.poll(() => seen.length).toBe(4);
  clock.advance(10_000);
  await setImmediate();
  for (const { url, socket } of seen) {
    if (url !== "/ended") expect(socket.writableEnded).toBe(false);
    if (url === "/reads" || url === "/paused") socket.write("HTTP/1.1 101 Late\r\n\r\n");
  }
  expect(await Promise.all(peers.map((peer) => peer.status()))).toEqual([101, 101, 101, 401]);
});

test("what an earlier request wrote on the connection does not count as an answer to an upgrade", async () => {
  const clock = new ManualClock();
  const server = createServer((_request, response) => response.end("site"));
  const seen = foreign(server, {});
  attached(server, { clock });
  const port = await started(server);
  const peer = await RawPeer.open(port, "GET / HTTP/1.1\r\nHost: localhost\r\n\r\n");
  expect(await peer.status()).toBe(200);
  peer.say(upgradeRequest("/nobody"));
  await expect.poll(() => seen.length).toBe(1);
  clock.advance(10_000);
  await peer.closed;
  expect(peer.received).toContain("HTTP/1.1 404 Not Found");
});

test("a handler that answers after its time finds a closed socket, and nothing worse", async () => {
  const clock = new ManualClock();
  const server = createServer();
  const chat = new WebSocketServer({ noServer: true });
  const admitted = Promise.withResolvers<void>();
  const taken: unknown[] = [];
  server.on("upgrade", async (request, socket, head) => {
    await admitted.promise;
    chat.handleUpgrade(request, socket, head, (ws) => taken.push(ws));
    socket.write("more");
  });
  attached(server, { clock });
  const port = await started(server);
  const peer = await RawPeer.open(port, upgradeRequest("/chat"));
  await expect.poll(() => clock.pending).toBe(1);
  const errors = await uncaught(async () => {
    clock.advance(10_000);
    // At the very moment of the refusal, and once the socket is gone.
    admitted.resolve();
    expect(await peer.status()).toBe(404);
    await peer.closed;
    await setImmediate();
  });
  expect(errors).toEqual([]);
  expect(taken).toEqual([]);
});

test.each(["before", "after"])(
  "a reset of a socket that a handler, added %s, has not taken yet does not end the process",
  async (order) => {
    const server = createServer();
    let seen: ReturnType<typeof foreign> = [];
    const add = (): void => {
      seen = foreign(server, {});
    };
    if (order === "before") add();
    attached(server);
    if (order === "after") add();
    const port = await started(server);
    const errors = await uncaught(async () => {
      const peer = await RawPeer.open(port, upgradeRequest("/slow"));
      await expect.poll(() => seen.length).toBe(1);
      const gone = new Promise((resolve) => seen[0]?.socket.once("close", resolve));
      await peer.reset();
      await gone;
      await setImmediate();
    });
    expect(errors).toEqual([]);
    expect(await echoed(port, "/arcp", "on")).toBe("on");
  },
);

test("an error that a handler causes is not swallowed, and one that it handles stays with it", async () => {
  const server = createServer();
  const mistake = new Error("mistake");
  const handled: unknown[] = [];
  const seen = foreign(server, {
    "/mistake": (socket) => socket.destroy(mistake),
    "/handled": (socket) => socket.on("error", (error) => handled.push(error)).destroy(mistake),
    "/thrown": () => {
      throw mistake;
    },
  });
  attached(server);
  const port = await started(server);
  const visit = async (path: string): Promise<unknown[]> =>
    uncaught(async () => {
      const peer = await RawPeer.open(port, upgradeRequest(path));
      await expect.poll(() => seen.at(-1)?.url).toBe(path);
      const { socket } = seen.at(-1) ?? expect.fail();
      // A handler that throws out of the event leaves the socket open, so reset it.
      const gone = socket.destroyed || new Promise((resolve) => socket.once("close", resolve));
      if (path === "/thrown") await peer.reset();
      await gone;
      await peer.closed;
      await setImmediate();
    });
  expect(await visit("/mistake")).toEqual([mistake]);
  expect(await visit("/handled")).toEqual([]);
  expect(handled).toEqual([mistake]);
  expect(await visit("/thrown")).toEqual([mistake]);
});

/** The site's response to a request that also offers a switch to HTTP/2, as some clients do with every request. */
async function offeringHttp2(port: number, path: string, body: string): Promise<[number, string]> {
  const asked = request({
    port,
    path,
    method: body === "" ? "GET" : "POST",
    headers: {
      Connection: "Upgrade, HTTP2-Settings",
      Upgrade: "h2c",
      "HTTP2-Settings": "AAMAAABkAAQAAP__",
      "Content-Length": body.length,
    },
  });
  asked.end(body);
  const [response] = await once(asked, "response");
  return [response.statusCode, await text(response)];
}

test("a site keeps its requests, including those that offer an upgrade that nobody here supports", async () => {
  const server = createServer(async (request, response) => {
    response.end(`site ${request.url} ${await text(request)}`);
  });
  const attachment = attached(server);
  const port = await started(server);
  expect(await offeringHttp2(port, "/", "")).toEqual([200, "site / "]);
  expect(await offeringHttp2(port, "/form", "a=1")).toEqual([200, "site /form a=1"]);
  expect(await offeringHttp2(port, "/arcp", "")).toEqual([200, "site /arcp "]);
  const peer = await RawPeer.open(port, upgradeRequest("/page"));
  expect(await peer.status()).toBe(200);
  expect(await echoed(port, "/arcp", "ping")).toBe("ping");
  await attachment.close();
  expect(await offeringHttp2(port, "/arcp", "")).toEqual([200, "site /arcp "]);
});

test("closing leaves the server as it was found", async () => {
  const server = createServer();
  const { emit } = server;
  const decision = Reflect.get(server, "shouldUpgradeCallback");
  const clock = new ManualClock();
  const seen = foreign(server, {});
  const attachment = attach(server, { clock }, echo);
  const port = await started(server);
  const waiting = await RawPeer.open(port, upgradeRequest("/slow"));
  await expect.poll(() => seen.length).toBe(1);
  await attachment.close();
  await attachment.close();
  expect(clock.pending).toBe(0);
  expect(seen[0]?.socket.destroyed).toBe(false);
  expect(server.emit).toBe(emit);
  expect(Reflect.get(server, "shouldUpgradeCallback")).toBe(decision);
  expect(server.listenerCount("upgrade")).toBe(1);
  expect(server.listenerCount("request")).toBe(0);
  await waiting.reset();
});
