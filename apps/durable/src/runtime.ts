// The program that is killed: a runtime on a file, behind a WebSocket. `node runtime.ts <file> <port>`
import { createRuntime, tokenTable } from "@arcp/runtime";
import { sqliteStore } from "@arcp/store-sqlite";
import { listen } from "@arcp/transport-ws";
import { crawler, mailer } from "./agents.ts";

const [file = "arcp.db", port = "0"] = process.argv.slice(2);
const runtime = createRuntime({
  agents: [crawler, mailer],
  auth: tokenTable({ "a-token": "alice" }),
  store: sqliteStore(file),
});
const server = await listen({ port: Number(port) }, (transport, peer) =>
  runtime.serve(transport, peer),
);
console.log(server.url);

// It ends with the program that started it.
process.stdin.resume().once("end", () => process.exit());
