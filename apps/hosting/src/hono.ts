import { once } from "node:events";
import { attach } from "@arcp/transport-ws";
import { serve } from "@hono/node-server";
import { Hono } from "hono";
import { addEcho, closeEcho } from "./echo.ts";
import { makeRuntime } from "./runtime.ts";

// The site: routes, and a WebSocket of its own at /echo.
const app = new Hono();
app.get("/hello", (context) => context.text("hello from hono"));

// On Node, serve returns the server. With TLS: serve({ fetch, createServer, serverOptions: { key, cert } }), of node:https.
const port = Number(process.env["PORT"] ?? 7777);
const server = serve({ fetch: app.fetch, port, hostname: "127.0.0.1" });
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
