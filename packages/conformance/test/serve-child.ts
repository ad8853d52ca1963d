// A runtime with the test agents on the standard streams of a process of its own: `serve-child.ts FILE`.
import { createRuntime, tokenTable } from "@arcp/runtime";
import { sqliteStore } from "@arcp/store-sqlite";
import { serveStdio } from "@arcp/transport-stdio";
import { shortSettings, testRuntime } from "../src/test-agents/index.ts";

const [file = ""] = process.argv.slice(2);
const runtime = createRuntime({
  ...testRuntime(),
  limits: { ...shortSettings.limits, resumeWindowSec: 600 },
  store: sqliteStore(file),
  auth: tokenTable({ "token-of-alice": "alice" }),
});
await serveStdio(runtime.serve);
await runtime.close();
