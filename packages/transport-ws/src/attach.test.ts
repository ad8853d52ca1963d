import { createServer, type IncomingMessage, request, type Server } from "node:http";
import { createServer as createSecureServer } from "node:https";
import { type AddressInfo, connect } from "node:net";
import type { Duplex } from "node:stream";
import type { TlsOptions } from "node:tls";
import type { Transport } from "@arcp/core";
import { afterEach, expect, test } from "vitest";
import { WebSocket, WebSocketServer } from "ws";
import { attach } from "./attach.ts";
import { dial } from "./dial.ts";
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

/** The HTTP status that an upgrade request gets; 101 when it is granted. */
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

async function dialled(url: string): Promise<Transport> {
  const transport = await dial(url)(new AbortController().signal);
  after.push(() => transport.close());
  return transport;
}

test("beside another upgrade handler each keeps its path, and foreign requests are left alone", async () => {
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
  expect(seen[0]?.listenerCount("error")).toBe(0);
  expect(await (await fetch(`http://127.0.0.1:${port}/arcp`)).text()).toBe("site");
});

test("R-4.1-2: where nobody else listens, another path gets 404 and its socket ends", async () => {
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

test("R-4.1-2: a refused socket is gone, although the other side keeps its half open", async () => {
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

test("R-4.1-2: what is no upgrade is told so", async () => {
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

test("R-4.1-9: on loopback foreign Host and Origin get 403, a request without Origin passes", async () => {
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

test("R-4.1-9: listening elsewhere asks for no name, unless told", async () => {
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

test("R-4.1-4: a sub-protocol is neither demanded nor refused", async () => {
  const server = createServer();
  attach(server, {}, echo);
  const port = await started(server);
  expect((await upgrade(port, "/arcp")).status).toBe(101);
  const ws = new WebSocket(`ws://127.0.0.1:${port}/arcp`, ["arcp"]);
  after.push(() => ws.terminate());
  await new Promise((done, fail) => ws.once("open", done).once("error", fail));
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

test("the peer is told as it is, over TLS too", async () => {
  const plain = createServer();
  const peers: PeerInfo[] = [];
  attach(plain, {}, (_transport, peer) => peers.push(peer));
  await dialled(`ws://127.0.0.1:${await started(plain)}/arcp`);
  await expect.poll(() => peers).toEqual([{ address: "127.0.0.1", secure: false, loopback: true }]);

  // A key that both know in place of a certificate.
  const psk = Buffer.alloc(16, 7);
  const options: TlsOptions = {
    ciphers: "PSK",
    maxVersion: "TLSv1.2",
    pskCallback: () => psk,
  };
  const secure = createSecureServer(options);
  attach(secure, {}, (transport, peer) => {
    peers.push(peer);
    return echo(transport);
  });
  const port = await started(secure);
  const ws = new WebSocket(`wss://127.0.0.1:${port}/arcp`, {
    ciphers: "PSK",
    maxVersion: "TLSv1.2",
    pskCallback: () => ({ psk, identity: "peer" }),
    checkServerIdentity: () => undefined,
  } as object);
  after.push(() => ws.terminate());
  await new Promise((done, fail) => ws.once("open", done).once("error", fail));
  expect(peers[1]).toEqual({ address: "127.0.0.1", secure: true, loopback: true });
  const text = "é".repeat(300_000);
  ws.send(text);
  const answer = await new Promise((resolve) => ws.once("message", resolve));
  expect(String(answer) === text).toBe(true);
});

test("close lets go of the server, closes its own connections with 1001, and the server goes on", async () => {
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

test("an error of the callback closes its connection with 1011 and is not swallowed", async () => {
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
    expect(await new Promise((resolve) => ws.once("close", resolve))).toBe(1011);
    expect(await surfaced).toBe(mistake);
  } finally {
    for (const listener of before) process.on("unhandledRejection", listener);
  }
});

test("a path that could never match is refused at once", () => {
  expect(() => attach(createServer(), { path: "arcp" }, echo)).toThrow('start with "/"');
});
