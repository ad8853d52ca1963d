import { once } from "node:events";
import { mkdtemp, rm } from "node:fs/promises";
import { createServer, type IncomingMessage, request, type Server } from "node:http";
import {
  createSecureServer as createHttp2Server,
  createServer as createPlainHttp2Server,
} from "node:http2";
import { createServer as createSecureServer } from "node:https";
import { type AddressInfo, connect } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Duplex } from "node:stream";
import { format, inspect } from "node:util";
import { decode, type Transport } from "@arcp/core";
import { afterEach, expect, test } from "vitest";
import { WebSocket, WebSocketServer } from "ws";
import { selfSigned } from "../test/self-signed.ts";
import { upgradeRequest } from "../test/upgrade-request.ts";
import { attach } from "./attach.ts";
import { type DialOptions, dial } from "./dial.ts";
import { listen } from "./listen.ts";
import type { PeerInfo } from "./peer.ts";

const after: Array<() => unknown> = [];
afterEach(async () => {
  for (const end of after.splice(0).reverse()) await end();
});

async function started<S extends Server>(server: S, host = "127.0.0.1"): Promise<number> {
  await new Promise<void>((done) => server.listen(0, host, done));
  after.push(() => {
    server.closeAllConnections();
    server.close();
  });
  return (server.address() as AddressInfo).port;
}

const echo = async (transport: Transport): Promise<void> => {
  for await (const frame of transport.frames) await transport.send([frame]);
};

/** The HTTP status that an upgrade request gets: 101 if it is granted. */
function upgrade(port: number, path: string, headers: Record<string, string> = {}, method = "GET") {
  return new Promise<{ status: number | undefined; ended: Promise<void> }>((resolve, reject) => {
    const asked = request({
      port,
      path,
      method,
      headers: {
        Connection: "Upgrade",
        Upgrade: "websocket",
        "Sec-WebSocket-Version": "13",
        "Sec-WebSocket-Key": "MDEyMzQ1Njc4OWFiY2RlZg==",
        ...headers,
      },
    });
    const settle = (response: IncomingMessage): void => {
      const { socket } = response;
      const ended = new Promise<void>((done) => socket.once("close", () => done()));
      response.resume();
      resolve({ status: response.statusCode, ended });
    };
    asked.on("response", settle);
    asked.on("upgrade", (response, socket) => {
      after.push(() => socket.destroy());
      settle(response);
    });
    asked.on("error", reject);
    asked.end();
  });
}

/** The error that a stream of frames ends with, if any. */
async function endOf(transport: Transport): Promise<unknown> {
  try {
    for await (const _ of transport.frames);
    return undefined;
  } catch (error) {
    return error;
  }
}

async function dialled(url: string, options: DialOptions = {}): Promise<Transport> {
  const transport = await dial(url, options)(new AbortController().signal);
  after.push(() => transport.close());
  return transport;
}

test("beside another upgrade handler, each keeps its path, and foreign requests are left alone", async () => {
  const server = createServer((_request, response) => response.end("site"));
  const foreign = new WebSocketServer({ noServer: true });
  const seen: Duplex[] = [];
  server.on("upgrade", (request, socket, head) => {
    if (request.url === "/chat") {
      foreign.handleUpgrade(request, socket, head, (ws) => ws.send("chat"));
    } else if (request.url === "/slow") {
      seen.push(socket);
    }
  });
  const attachment = attach(server, {}, echo);
  const port = await started(server);
  after.push(() => attachment.close());

  const chat = new WebSocket(`ws://127.0.0.1:${port}/chat`);
  expect(String(await new Promise((resolve) => chat.once("message", resolve)))).toBe("chat");
  chat.terminate();

  const slow = connect(port, "127.0.0.1");
  after.push(() => slow.destroy());
  slow.write("GET /slow HTTP/1.1\r\nHost: x\r\nConnection: upgrade\r\nUpgrade: other\r\n\r\n");
  const transport = await dialled(`ws://127.0.0.1:${port}/arcp`);
  await transport.send(["ping"]);
  for await (const frame of transport.frames) {
    expect(frame).toBe("ping");
    break;
  }
  await expect.poll(() => seen.length).toBe(1);
  expect(seen[0]?.destroyed).toBe(false);
  expect(seen[0]?.writable).toBe(true);
  expect(seen[0]?.writableEnded).toBe(false);
  expect(await (await fetch(`http://127.0.0.1:${port}/arcp`)).text()).toBe("site");
});

test("R-4.1-2: without another upgrade handler, any other path gets 404 and its socket ends", async () => {
  const server = createServer();
  attach(server, { path: "/agents" }, echo);
  const port = await started(server);
  for (const path of ["/arcp", "/", "/agents/", "/agents/x", "/agentsx", "//agents"]) {
    const { status, ended } = await upgrade(port, path);
    expect(status).toBe(404);
    await ended;
  }
  expect((await upgrade(port, "/agents")).status).toBe(101);
  expect((await upgrade(port, "/agents?token=no")).status).toBe(101);
});

test("R-4.1-2: a refused socket is destroyed, although the other side keeps its half open", async () => {
  const server = createServer();
  attach(server, {}, echo);
  const port = await started(server);
  const gone = new Promise<void>((done) => {
    server.once("connection", (socket) => socket.once("close", () => done()));
  });
  const half = connect({ port, host: "127.0.0.1", allowHalfOpen: true });
  after.push(() => half.destroy());
  half.write(
    "GET /other HTTP/1.1\r\nHost: localhost\r\nConnection: upgrade\r\nUpgrade: websocket\r\n\r\n",
  );
  const answer = await new Promise((resolve) => half.once("data", resolve));
  expect(String(answer)).toMatch(/^HTTP\/1\.1 404 /);
  await gone;
});

test("R-4.1-2: an invalid upgrade request is refused with its status", async () => {
  const server = createServer();
  attach(server, {}, echo);
  const port = await started(server);
  const plain = await fetch(`http://127.0.0.1:${port}/arcp`);
  expect(plain.status).toBe(426);
  expect((await fetch(`http://127.0.0.1:${port}/arcp`, { method: "POST" })).status).toBe(405);
  expect((await fetch(`http://127.0.0.1:${port}/other`)).status).toBe(404);
  expect((await upgrade(port, "/arcp", { Upgrade: "h2c" })).status).toBe(426);
  expect((await upgrade(port, "/arcp", {}, "POST")).status).toBe(405);
  expect((await upgrade(port, "/arcp", { "Sec-WebSocket-Version": "7" })).status).toBe(400);
});

test("R-4.1-9: on loopback, a foreign Host or Origin gets 403; a request without Origin passes", async () => {
  const server = createServer();
  attach(server, {}, echo);
  const port = await started(server);
  for (const headers of [
    { Host: "evil.example" },
    { Host: `evil.example:${port}`, Origin: "http://evil.example" },
    { Origin: "https://evil.example" },
  ]) {
    const { status, ended } = await upgrade(port, "/arcp", headers);
    expect(status).toBe(403);
    await ended;
  }
  expect((await upgrade(port, "/arcp")).status).toBe(101);
  expect((await upgrade(port, "/arcp", { Origin: "http://localhost:5173" })).status).toBe(101);
});

test("R-4.1-9: off loopback, any Host and Origin pass unless lists restrict them", async () => {
  const open = createServer();
  attach(open, {}, echo);
  const port = await started(open, "0.0.0.0");
  const headers = { Host: "agents.example", Origin: "https://app.example" };
  expect((await upgrade(port, "/arcp", headers)).status).toBe(101);

  const strict = createServer();
  attach(
    strict,
    { allowedHosts: ["agents.example"], allowedOrigins: ["https://app.example"] },
    echo,
  );
  const other = await started(strict, "0.0.0.0");
  expect((await upgrade(other, "/arcp", headers)).status).toBe(101);
  expect((await upgrade(other, "/arcp", { ...headers, Host: "localhost" })).status).toBe(403);
  expect((await upgrade(other, "/arcp", { ...headers, Origin: "http://a.b" })).status).toBe(403);
});

test("R-4.1-4: no sub-protocol is required, and ours is selected if it is offered", async () => {
  const server = createServer();
  attach(server, {}, echo);
  attach(server, { path: "/named", subprotocols: ["arcp.v2", "arcp"] }, echo);
  const port = await started(server);
  const agreed = async (path: string, offered: string[]): Promise<string> => {
    const ws = new WebSocket(`ws://127.0.0.1:${port}${path}`, offered);
    after.push(() => ws.terminate());
    await new Promise((done, fail) => ws.once("open", done).once("error", fail));
    return ws.protocol;
  };
  expect(await agreed("/arcp", [])).toBe("");
  expect(await agreed("/arcp", ["arcp"])).toBe("arcp");
  expect(await agreed("/arcp", ["bearer.secret", "arcp"])).toBe("arcp");
  expect(await agreed("/named", ["arcp", "arcp.v2"])).toBe("arcp.v2");
  // The server selects none, which the client, like a browser, does not accept.
  const offering = { "Sec-WebSocket-Protocol": "mqtt" };
  expect((await upgrade(port, "/arcp", offering)).status).toBe(101);
  await expect(agreed("/arcp", ["mqtt"])).rejects.toThrow("Server sent no subprotocol");
});

test("a reset at any point of the upgrade does not end the process", async () => {
  const server = createServer();
  const accepted: Transport[] = [];
  attach(server, {}, (transport) => accepted.push(transport));
  const port = await started(server);
  const head =
    "HTTP/1.1\r\nHost: localhost\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n" +
    "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: MDEyMzQ1Njc4OWFiY2RlZg==\r\n\r\n";
  const requests = [
    `GET /arcp ${head}`,
    `GET /other ${head}`,
    `GET /arcp ${head.replace("localhost", "evil.example")}`,
    `GET /arcp ${head.slice(0, 60)}`,
  ];
  const resets = requests.flatMap((text) => Array.from({ length: 10 }, () => text));
  await Promise.all(
    resets.map(async (text) => {
      const socket = connect(port, "127.0.0.1");
      socket.on("error", () => {});
      await new Promise<void>((done) => socket.write(text, () => done()));
      await new Promise<void>((done) => {
        socket.once("close", () => done());
        socket.resetAndDestroy();
      });
    }),
  );
  const open = await dialled(`ws://127.0.0.1:${port}/arcp`);
  for (const transport of accepted.slice(0, -1)) {
    await expect(endOf(transport)).resolves.toMatchObject({ reason: undefined });
  }
  await open.send(["still here"]);
});

test("peer info is right, over TLS too", async () => {
  const plain = createServer();
  const peers: PeerInfo[] = [];
  attach(plain, {}, (_transport, peer) => peers.push(peer));
  await dialled(`ws://127.0.0.1:${await started(plain)}/arcp`);
  await expect.poll(() => peers).toEqual([{ address: "127.0.0.1", secure: false, loopback: true }]);

  const { key, cert } = selfSigned("127.0.0.1");
  const secure = createSecureServer({ key, cert });
  attach(secure, {}, (transport, peer) => {
    peers.push(peer);
    return echo(transport);
  });
  const url = `wss://127.0.0.1:${await started(secure)}/arcp`;
  await expect(dialled(url)).rejects.toMatchObject({
    cause: { code: "DEPTH_ZERO_SELF_SIGNED_CERT" },
  });
  const transport = await dialled(url, { tls: { ca: cert } });
  expect(peers.slice(1)).toEqual([{ address: "127.0.0.1", secure: true, loopback: true }]);
  const texts = ["é".repeat(20_000), "é".repeat(300_000)];
  await transport.send(texts);
  for await (const answer of transport.frames) {
    expect(answer === texts.shift()).toBe(true);
    if (texts.length === 0) break;
  }
});

test("R-6.1-6: a peer that is gone, so that its address is unknown, does not count as local", async () => {
  const server = createServer();
  const peers: PeerInfo[] = [];
  attach(server, {}, (_transport, peer) => peers.push(peer));
  const ends: Array<Promise<unknown>> = [];
  server.on("connection", (socket) => {
    // Some systems report the reset, which `once` would take for a failure.
    ends.push(new Promise((done) => socket.once("close", done)));
  });
  const port = await started(server);
  for (let i = 1; i <= 5; i += 1) {
    const socket = connect(port, "127.0.0.1");
    socket.on("error", () => {});
    await once(socket, "connect");
    // Both arrive before the server looks.
    socket.write(upgradeRequest("/arcp"));
    socket.resetAndDestroy();
    await expect.poll(() => ends.length).toBe(i);
  }
  await Promise.all(ends);
  expect(peers).toEqual([]);
});

// Windows has no such sockets for Node.
test.skipIf(process.platform === "win32")(
  "a client over a Unix domain socket is local, and has no address",
  async () => {
    const server = createServer();
    const peers: PeerInfo[] = [];
    attach(server, {}, (_transport, peer) => peers.push(peer));
    const directory = await mkdtemp(join(tmpdir(), "arcp-"));
    after.push(() => rm(directory, { recursive: true }));
    const path = join(directory, "socket");
    await new Promise<void>((done) => server.listen(path, done));
    after.push(() => server.close());
    const ws = new WebSocket(`ws+unix:${path}:/arcp`);
    await once(ws, "open");
    ws.terminate();
    expect(peers).toEqual([{ address: "", secure: false, loopback: true }]);
  },
);

test("R-6.1-5: a token in the Authorization header becomes the peer's, and shows in nothing that is printed of it", async () => {
  const server = createServer();
  const peers: PeerInfo[] = [];
  const requests: Array<string | undefined> = [];
  attach(server, {}, (_transport, peer, request) => {
    peers.push(peer);
    requests.push(request.url);
  });
  const port = await started(server);
  for (const authorization of [
    "Bearer s3cret.token~=",
    "bearer  s3cret.token~= ",
    "Basic YTpi",
    "Bearer ",
    "Bearer a b",
    undefined,
  ]) {
    const headers: Record<string, string> = authorization === undefined ? {} : { authorization };
    expect((await upgrade(port, "/arcp?x=1", headers)).status).toBe(101);
  }
  const token = "s3cret.token~=";
  expect(peers.map(({ bearer }) => bearer?.())).toEqual([
    token,
    token,
    ...Array(4).fill(undefined),
  ]);
  expect(requests).toEqual(Array(6).fill("/arcp?x=1"));
  const [peer] = peers;
  expect({ ...peer, address: "192.0.2.1" }.bearer?.()).toBe(token);
  const printed = [
    inspect(peer, { showHidden: true, depth: 9 }),
    JSON.stringify(peer),
    format("%o %j", peer, peer),
    `${peer?.bearer}`,
  ];
  expect(printed.join()).not.toContain("s3cret");
});

test("close detaches from the server, closes its own connections with 1001, and leaves the server running", async () => {
  const server = createServer((_request, response) => response.end("site"));
  const attachment = attach(server, { closeTimeout: 100 }, echo);
  const port = await started(server);
  const ws = new WebSocket(`ws://127.0.0.1:${port}/arcp`);
  await new Promise((done) => ws.once("open", done));
  const code = new Promise<number>((resolve) => ws.once("close", resolve));
  await attachment.close();
  expect(await code).toBe(1001);
  expect(server.listenerCount("upgrade")).toBe(0);
  expect(await (await fetch(`http://127.0.0.1:${port}/`)).text()).toBe("site");
  await attachment.close();
});

test("R-4.1-11: an error of the callback closes its connection with 1011 and a reason, and is not swallowed", async () => {
  const server = createServer();
  const mistake = new Error("mistake");
  attach(server, {}, () => {
    throw mistake;
  });
  const port = await started(server);
  const before = process.listeners("unhandledRejection");
  process.removeAllListeners("unhandledRejection");
  const surfaced = new Promise((resolve) => process.once("unhandledRejection", resolve));
  try {
    const ws = new WebSocket(`ws://127.0.0.1:${port}/arcp`);
    const said: unknown[] = [];
    ws.on("message", (data) => said.push(decode(data.toString())));
    expect(await new Promise((resolve) => ws.once("close", resolve))).toBe(1011);
    expect(await surfaced).toBe(mistake);
    const text = "an unexpected error occurred: see the runtime's log";
    const payload = { code: "INTERNAL_ERROR", message: text };
    const message = { type: "session.error", session_id: expect.any(String), payload };
    expect(said).toMatchObject([{ kind: "ok", message }]);
  } finally {
    for (const listener of before) process.on("unhandledRejection", listener);
  }
});

test("an HTTP/2 server that allows HTTP/1 is accepted, one for HTTP/2 alone is not", async () => {
  const { key, cert } = selfSigned("127.0.0.1");
  const both = createHttp2Server({ key, cert, allowHTTP1: true });
  attach(both, {}, echo);
  both.listen(0, "127.0.0.1");
  await once(both, "listening");
  after.push(() => both.close());
  const { port } = both.address() as AddressInfo;
  const transport = await dialled(`wss://127.0.0.1:${port}/arcp`, { tls: { ca: cert } });
  await transport.send(["ping"]);
  for await (const frame of transport.frames) {
    expect(frame).toBe("ping");
    break;
  }
  expect(() => attach(createPlainHttp2Server(), {}, echo)).toThrow("HTTP/2-only");
});

test("anything but a server, such as a framework's application, is refused with a hint at what to pass", () => {
  for (const application of [() => {}, {}, 7777, undefined] as never[]) {
    expect(() => attach(application, {}, echo)).toThrow(
      "the server beneath it, such as what Express's app.listen()",
    );
  }
});

test.each(["arcp", "/arcp?", "/arcp?a=b", "/arcp#a", "/bücher", "/a b", "/a/../b", ":80/arcp"])(
  "a path that could never match is refused at once: %s",
  (path) => {
    expect(() => attach(createServer(), { path }, echo)).toThrow('start with "/"');
  },
);

test.each(["/", "//", "/b%C3%BCcher", "/a/b.c:d@e"])("%s is a valid path", async (path) => {
  const server = createServer();
  attach(server, { path }, echo);
  await dialled(`ws://127.0.0.1:${await started(server)}${path}?a=b`);
});

test("the handler of connections is a function; the runtime itself, or nothing, is refused", async () => {
  for (const accept of [undefined, { serve: echo }]) {
    expect(() => attach(createServer(), {}, accept as never)).toThrow("such as runtime.serve");
    await expect(listen({ port: 0 }, accept as never)).rejects.toMatchObject({ code: "MISUSE" });
  }
});

test.each([
  [{ maxMesageSize: 1 }, /^attach: maxMesageSize is not one of its options, which are path, /],
  [{ maxMessageSize: 0 }, /^attach: maxMessageSize must be a number above zero, not 0$/],
  [{ maxMessageSize: "1000" }, /^attach: maxMessageSize must be .*, not a string$/],
  [{ upgradeTimeout: Number.NaN }, /^attach: upgradeTimeout must be .*, not NaN$/],
  [{ closeTimeout: -1 }, /^attach: closeTimeout must be a number from zero/],
  [{ subprotocols: "arcp" }, /^attach: subprotocols must be an array of strings, not a string$/],
  [{ allowedHosts: "localhost" }, /^attach: allowedHosts must be an array of strings/],
  [{ allowedOrigins: ["*"] }, /^allowedOrigins takes origins, .* without a path or wildcard: \*$/],
  [{ allowedOrigins: ["app.example"] }, /^allowedOrigins takes origins.*: app\.example$/],
  [{ allowedOrigins: ["https://app.example/x"] }, /^allowedOrigins takes origins/],
  [{ path: 7 }, /^attach: path must be a string, not 7$/],
  [null, /^attach: must be an object, not null$/],
  [echo, /^the options are missing: attach\(server, \{\}, runtime\.serve\)$/],
])("R-4.1-6, R-4.1-9: an invalid option is refused at once: %o", (options, message) => {
  expect(() => attach(createServer(), options as never, echo)).toThrow(
    expect.objectContaining({ code: "MISUSE", message: expect.stringMatching(message) }),
  );
});
