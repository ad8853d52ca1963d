import { createRuntime, tokenTable } from "@arcp/runtime";
import { sqliteStore } from "@arcp/store-sqlite";
import { serveStdio } from "@arcp/transport-stdio";
import { count } from "./agents.js";

const runtime = createRuntime({
  agents: [count],
  auth: tokenTable({ "a-token": "alice" }),
  store: sqliteStore("stdio.db"),
});
await serveStdio(runtime.serve);
await runtime.close();
process.exit();
