// A runtime with the test agents in a process of its own. It ends with whoever started it.
import { createRuntime, tokenTable } from "@arcp/runtime";
import { listen } from "@arcp/transport-ws";
import { testRuntime } from "../../src/test-agents/index.ts";

process.stdin.on("end", () => process.exit()).resume();

const runtime = createRuntime({
  ...testRuntime(),
  auth: tokenTable({ A: "alice", B: "bob" }),
});
const server = await listen({ port: 0 }, runtime.serve);
console.log(server.url);
