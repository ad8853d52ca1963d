import { attach } from "@arcp/transport-ws";
import Fastify, { type FastifyInstance } from "fastify";
import { addEcho, closeEcho } from "./echo.ts";
import { makeRuntime } from "./runtime.ts";

// The site: routes, and a WebSocket of its own at /echo.
const app = Fastify();
app.get("/hello", () => "hello from fastify");
app.register(async (app: FastifyInstance) => {
  const echo = addEcho(app.server);
  app.addHook("preClose", async () => closeEcho(echo));
});

// ARCP at /arcp, as a plugin. It ends with preClose: before onClose, Fastify waits for all connections to end. Register it
// before listen; hooks of requests do not run for its upgrades.
app.register(async (app: FastifyInstance) => {
  const runtime = makeRuntime();
  const endpoint = attach(app.server, {}, runtime.serve);
  app.addHook("preClose", async () => {
    await runtime.close({ finishSec: 10, cancelSec: 2 });
    await endpoint.close();
  });
});

await app.listen({ port: Number(process.env["PORT"] ?? 7777), host: "127.0.0.1" });
console.log("ready", app.server.address());

process.once("SIGTERM", () => app.close());
