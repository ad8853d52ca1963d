import { once } from "node:events";
import { attach } from "@arcp/transport-ws";
import express from "express";
import { addEcho, closeEcho } from "./echo.ts";
import { makeRuntime } from "./runtime.ts";

// The site: routes, and a WebSocket of its own at /echo.
const app = express();
app.get("/hello", (_request, response) => {
  response.send("hello from express");
});

// Express is not involved in upgrades: the server that listen returns is. For TLS, make that yourself with node:https:
// createServer({ key, cert }, app).listen(443).
const server = app.listen(Number(process.env["PORT"] ?? 7777), "127.0.0.1");
const echo = addEcho(server);

// ARCP at /arcp. Middleware does not run before an upgrade: the runtime asks for a token itself.
const runtime = makeRuntime();
const endpoint = attach(server, {}, runtime.serve);

await once(server, "listening");
console.log("ready", server.address());

// First the runtime, so that jobs can finish and every client is told; then its transport; then the site.
process.once("SIGTERM", async () => {
  await runtime.close({ finishSec: 10, cancelSec: 2 });
  await endpoint.close();
  closeEcho(echo);
  server.close();
});
