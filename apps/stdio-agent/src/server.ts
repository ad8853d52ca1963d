// One program, two ways to reach it: `node server.ts` speaks on its standard streams, to the process that started it;
// `node server.ts --listen` on a WebSocket, to clients with a token.
import { once } from "node:events";
import { createRuntime, tokenTable } from "@arcp/runtime";
import { serveStdio } from "@arcp/transport-stdio";
import { listen } from "@arcp/transport-ws";
import { review } from "./review.ts";

const runtime = createRuntime({ agents: [review], auth: tokenTable({ "a-token": "alice" }) });

if (process.argv.includes("--listen")) {
  const server = await listen({ port: 0 }, runtime.serve);
  console.log(server.url);
  await once(process, "SIGTERM");
  await runtime.close();
  await server.close();
} else {
  // Resolves once the client has left, or is gone.
  await serveStdio(runtime.serve);
  await runtime.close();
  console.error("the child ends");
}
// Even if its agents still wait for something.
process.exit();
