import { once } from "node:events";
import { createServer } from "node:http";
import { attach } from "@arcp/transport-ws";
import { addEcho, closeEcho } from "./echo.ts";
import { makeRuntime } from "./runtime.ts";

// The site: a page of its own, and a WebSocket of its own at /echo.
const server = createServer((request, response) => {
  const known = request.url === "/hello";
  response.writeHead(known ? 200 : 404).end(known ? "hello from node:http" : "no such page");
});
const echo = addEcho(server);

// ARCP at /arcp. With TLS it is the same: createServer({ key, cert }, …) of node:https.
const runtime = makeRuntime();
const endpoint = attach(server, {}, runtime.serve);

server.listen(Number(process.env["PORT"] ?? 7777), "127.0.0.1");
await once(server, "listening");
console.log("ready", server.address());

// First the runtime, so that jobs can finish and every client is told; then its transport; then the site.
process.once("SIGTERM", async () => {
  await runtime.close({ finishSec: 10, cancelSec: 2 });
  await endpoint.close();
  closeEcho(echo);
  server.close();
});
