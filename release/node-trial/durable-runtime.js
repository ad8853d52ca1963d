import { shortSettings, testRuntime } from "@arcp/conformance/agents";
import { createRuntime, tokenTable } from "@arcp/runtime";
import { sqliteStore } from "@arcp/store-sqlite";
import { listen } from "@arcp/transport-ws";

const runtime = createRuntime({
  ...testRuntime(),
  auth: tokenTable({ A: "alice", B: "bob" }),
  store: sqliteStore("conformance.db", { logLimits: shortSettings.logLimits }),
});
const server = await listen({ port: 0 }, runtime.serve);
console.log(`ready at ${server.url}`);
